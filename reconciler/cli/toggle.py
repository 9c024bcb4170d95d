"""`fwdctl toggle`: a technician takes chargers over for a while, and hands them back."""

from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.app.courses import Verdict
from reconciler.cli import options
from reconciler.cli.output import print_json
from reconciler.errors import AppliedInPart, FwdctlError

FAILED: Final = Verdict.FAILED.value


def toggle(
    chargers: Annotated[list[str], typer.Argument(help="Chargers by name or glob.")],
    primary: Annotated[str | None, typer.Option(metavar="BACKEND", help="Who is to be primary.")] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="For how long (2h); until ended without it.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; goes to history.")] = None,
    end: Annotated[bool, typer.Option("--end", help="End the toggle: back to what is declared.")] = False,
    max_disruption: options.MaxDisruption = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Make a back-end primary on chargers for a while, on top of what is declared; or end that."""
    if end == (primary is not None):
        raise FwdctlError("toggle to whom?", hint="either --primary BACKEND --reason TEXT, or --end")
    if not end and not (reason or "").strip():
        raise FwdctlError("a toggle needs a reason", hint="say why, for history: --reason TEXT")
    with ApiClient(url, token) as api:
        if end:
            answer = api.end_toggle(chargers, options.actor())
        else:
            answer = api.toggle(
                {
                    "chargers": chargers,
                    "primary": primary,
                    "for_s": options.duration_s("--for", for_) if for_ is not None else None,
                    "reason": reason,
                    "actor": options.actor(),
                    "max_disruption": max_disruption,
                }
            )
    if json_output:
        print_json(answer)
    else:
        _print(answer, end=end)
    failed = [result["charger"] for result in answer["results"] if result["verdict"] == FAILED]
    if failed:
        raise AppliedInPart(
            f"{len(failed)} of {len(answer['results'])} chargers did not flip: {', '.join(failed)}",
            hint="the server keeps trying: fwdctl status",
        )


def _print(answer: Json, *, end: bool) -> None:
    overrides = {override["charger"]: override for override in answer["overrides"]}
    for result in answer["results"]:
        override = overrides.get(result["charger"])
        until = f" until {override['until']}" if override and override["until"] and not end else ""
        reason = f", {result['reason']}" if result["reason"] else ""
        typer.echo(f"{result['charger']}: {result['verdict']}{until}{reason}")
