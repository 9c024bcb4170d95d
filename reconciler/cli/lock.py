"""`fwdctl lock`: who is applying, and how to get past a writer that is gone."""

from enum import StrEnum
from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.output import print_json


class Wish(StrEnum):
    """What to do with the lock."""

    SHOW = "show"
    BREAK = "break"


def lock(
    wish: Annotated[Wish, typer.Argument(help="Show who holds it, or free it whoever holds it.")] = Wish.SHOW,
    auto_approve: Annotated[bool, typer.Option("--auto-approve", help="Break it without asking.")] = False,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Show the apply lock, or break that of a writer that is gone for good."""
    with ApiClient(url, token) as api:
        answer = api.lock()
        held = answer["lock"]
        if wish is Wish.BREAK and held is not None:
            if not auto_approve:
                typer.confirm(f"Break the lock of {_told(held)}?", abort=True, err=True)
            answer = api.break_lock()
    if json_output:
        print_json(answer)
    elif held is None:
        typer.echo("The lock is free.")
    elif wish is Wish.BREAK:
        typer.echo(f"Broke the lock of {_told(held)}.")
    else:
        typer.echo(f"Held by {_told(held)} since {held['acquired_at']}; runs out {held['expires_at']} unless renewed.")


def _told(held: Json) -> str:
    return f"{held['holder']}, {held['purpose']}"
