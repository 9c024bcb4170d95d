"""`fwdctl schema`: the JSON Schemas that editors and pipelines check specs and plans against."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from reconciler.cli.output import print_json
from reconciler.errors import FwdctlError
from reconciler.model.addresses import KINDS
from reconciler.model.plan_json import plan_schema
from reconciler.model.schema import published_schemas

SUFFIX: Final = ".schema.json"


def _names(incomplete: str = "") -> list[str]:
    """Return what can be asked for and begins so; for completion."""
    names = (file.removesuffix(SUFFIX) for file in _schemas())
    return sorted(name for name in names if name.startswith(incomplete))


def _schemas() -> Mapping[str, Any]:
    return {**published_schemas(), f"plan{SUFFIX}": plan_schema()}


def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="site (a document of any kind), a kind such as charger or Charger, plan.",
            autocompletion=_names,
        ),
    ] = "site",
) -> None:
    """Print a JSON Schema; for a modeline: # yaml-language-server: $schema=FILE."""
    chosen = _schemas().get(f"{KINDS.get(name, name)}{SUFFIX}")
    if chosen is None:
        raise FwdctlError(f"there is no schema {name}", hint=f"one of {', '.join(_names())}")
    print_json(chosen)
