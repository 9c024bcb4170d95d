"""`fwdctl lock`: who is applying, and how to get past a writer that is gone."""

from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient
from reconciler.cli import options
from reconciler.cli.output import print_json, say

lock = typer.Typer(help="Show or break the apply lock.", no_args_is_help=True)


@lock.command("show")
def show(
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Show who holds the apply lock, since when, and until when its lease runs."""
    with ApiClient(url, token) as api:
        answer = api.lock()
    if json_output:
        print_json(answer)
    elif (held := answer["lock"]) is None:
        typer.echo("free")
    else:
        typer.echo(f"held by {held['holder']} ({held['purpose']})")
        typer.echo(f"  since {held['acquired_at']}, runs out {held['expires_at']} unless renewed")


@lock.command("break")
def break_(
    force: Annotated[bool, typer.Option("--force", help="Do not ask.")] = False,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Free the apply lock, whoever holds it; for a holder that is gone for good."""
    with ApiClient(url, token) as api:
        held = api.lock()["lock"]
        if held is not None and not force:
            typer.confirm(f"Break the lock of {held['holder']} ({held['purpose']})?", abort=True, err=True)
        answer = api.break_lock()
    if json_output:
        print_json(answer)
    else:
        say("the lock was free" if answer["lock"] is None else f"broke the lock of {answer['lock']['holder']}")
