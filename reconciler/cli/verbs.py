"""The verbs of `fwdctl`: each has a module of its own, imported when it is asked for.

So `fwdctl status` waits for what it needs, and not for what `op`, `apply` and `serve` need; --help asks for all.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from reconciler.cli.output import plain
from reconciler.errors import FwdctlError

VERBS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "serve": "serve",
        "validate": "validate",
        "plan": "plan",
        "apply": "apply",
        "drift": "drift",
        "status": "status",
        "explain": "explain",
        "toggle": "toggle",
        "pause": "pause",
        "resume": "pause",
        "dump": "dump",
        "show": "show",
        "history": "history",
        "rollback": "rollback",
        "lock": "lock",
        "schema": "schema",
        "version": "version",
        "demo": "demo",
        "op": "op",
        "firmware": "firmware",
        "upload": "firmware",
        "outage": "outage",
        "failover": "failover",
        "token": "token",
        "password": "password",
    }
)
"""Verb, in the order of --help -> the module of `reconciler.cli` that has it under its name."""


class Verbs(TyperGroup):
    """Finds a verb in its module."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs, in the order of --help."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return what a verb runs, None for no verb."""
        if cmd_name not in VERBS:
            return None
        found = getattr(import_module(f"reconciler.cli.{VERBS[cmd_name]}"), cmd_name)
        if not isinstance(found, typer.Typer):
            verb, found = found, typer.Typer(add_completion=False)
            found.command(cmd_name)(verb)
        if plain():
            found.rich_markup_mode = None
        command = get_command(found)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb that is meant, with its arguments. Raises FwdctlError for one that there is not."""
        verb = args[0]
        if verb not in VERBS and not verb.startswith("-"):
            near = get_close_matches(verb, VERBS, n=1)
            raise FwdctlError(
                f"there is no verb {verb}", hint=f"did you mean fwdctl {near[0]}?" if near else "fwdctl --help"
            )
        return super().resolve_command(ctx, args)
