"""`fwdctl failover`: where somebody stands in for an owner that is away, and how to end that by hand."""

from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient
from reconciler.app.courses import Verdict
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table
from reconciler.errors import AppliedInPart

FAILED: Final = Verdict.FAILED.value

failover = typer.Typer(help="Failovers: who stands in for an owner that is away.", no_args_is_help=True)


@failover.command("list")
def list_(
    json_output: options.JsonOutput = False, url: options.Url = options.DEFAULT_URL, token: options.Token = None
) -> None:
    """List the failovers in force."""
    with ApiClient(url, token) as api:
        answer = api.failovers()
    if json_output:
        print_json(answer)
    elif not answer["failovers"]:
        typer.echo("Nobody stands in for anybody.")
    else:
        rows = [
            (found["charger"], found["backend"], found["to"], found["since"], found["back"])
            for found in answer["failovers"]
        ]
        print_table(("CHARGER", "AWAY", "STANDS IN", "SINCE", "BACK"), rows)


@failover.command()
def end(
    chargers: Annotated[list[str], typer.Argument(help="Chargers by name or glob.")],
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """End failovers by hand: the owner gets its chargers back, and is stood in for again should it stay away."""
    with ApiClient(url, token) as api:
        answer = api.end_failovers(chargers, options.actor())
    if json_output:
        print_json(answer)
    else:
        for result in answer["results"] or [{"charger": "none", "verdict": "nobody stood in", "reason": ""}]:
            reason = f", {result['reason']}" if result["reason"] else ""
            typer.echo(f"{result['charger']}: {result['verdict']}{reason}")
    failed = [result["charger"] for result in answer["results"] if result["verdict"] == FAILED]
    if failed:
        raise AppliedInPart(
            f"{len(failed)} of {len(answer['results'])} chargers did not flip: {', '.join(failed)}",
            hint="the server keeps trying: fwdctl status",
        )
