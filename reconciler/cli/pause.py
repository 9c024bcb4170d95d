"""`fwdctl pause` and `fwdctl resume`: the controller leaves chargers alone for a while, and looks after them again."""

from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient
from reconciler.app.courses import Verdict
from reconciler.cli import options
from reconciler.cli.output import print_json
from reconciler.errors import AppliedInPart

Chargers = Annotated[list[str], typer.Argument(help="Chargers by name or glob.")]


def pause(
    chargers: Chargers,
    reason: Annotated[str, typer.Option(help="Why; goes to history.")],
    for_: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="For how long (2h); until resumed without it.")
    ] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Have the controller leave chargers alone: no drift is healed, and what is applied to them waits."""
    for_s = options.duration_s("--for", for_) if for_ is not None else None
    with ApiClient(url, token) as api:
        answer = api.pause({"chargers": chargers, "reason": reason, "for_s": for_s, "actor": options.actor()})
    if json_output:
        print_json(answer)
        return
    for paused in answer["pauses"]:
        until = f"until {paused['until']}" if paused["until"] else f"until fwdctl resume {paused['charger']}"
        typer.echo(f"{paused['charger']}: paused {until}")


def resume(
    chargers: Chargers,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Have the controller look after paused chargers again, and bring about what waited for that."""
    with ApiClient(url, token) as api:
        answer = api.resume({"chargers": chargers, "actor": options.actor()})
    if json_output:
        print_json(answer)
    else:
        for result in answer["results"]:
            why = f", {result['reason']}" if result["reason"] else ""
            typer.echo(f"{result['charger']}: {result['verdict']}{why}")
    failed = [result["charger"] for result in answer["results"] if result["verdict"] == Verdict.FAILED.value]
    if failed:
        raise AppliedInPart(
            f"{len(failed)} of {len(answer['results'])} chargers are not there yet: {', '.join(failed)}",
            hint="the server keeps trying: fwdctl status",
        )
