"""`fwdctl schema`: the JSON Schemas that editors and pipelines check specs and plans against."""

from typing import Annotated, Final

import typer

from reconciler.cli.output import print_json
from reconciler.errors import FwdctlError
from reconciler.model.plan_json import plan_schema
from reconciler.model.schema import published_schemas

SUFFIX: Final = ".schema.json"


def schema(
    name: Annotated[str, typer.Argument(help="site (a document of any kind), a kind such as charger, plan.")] = "site",
) -> None:
    """Print a JSON Schema; for a modeline: # yaml-language-server: $schema=FILE."""
    schemas = {**published_schemas(), f"plan{SUFFIX}": plan_schema()}
    chosen = schemas.get(f"{name}{SUFFIX}")
    if chosen is None:
        names = ", ".join(sorted(file.removesuffix(SUFFIX) for file in schemas))
        raise FwdctlError(f"there is no schema {name}", hint=f"one of {names}")
    print_json(chosen)
