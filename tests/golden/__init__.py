"""Golden files: what is written in the repository and made from the code; tests fail where the two differ."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from reconciler.model.plan_json import plan_schema
from reconciler.model.schema import published_schemas
from tests.golden.field_tables import filled

ROOT: Final = Path(__file__).resolve().parents[2]


def golden_files() -> Mapping[str, str]:
    """Return path below the repository's root -> the text it is to have; one line for each family of files."""
    return {
        **{f"specs/{name}": _json(schema) for name, schema in published_schemas().items()},
        "specs/plan.schema.json": _json(plan_schema()),
        "docs/spec-language.md": filled((ROOT / "docs" / "spec-language.md").read_text(encoding="utf-8")),
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
