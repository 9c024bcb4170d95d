"""`fwdctl toggle`: a technician takes chargers over for a while, and hands them back."""

from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.app.courses import Verdict
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table
from reconciler.errors import AppliedInPart, FwdctlError

FAILED: Final = Verdict.FAILED.value


def toggle(
    chargers: Annotated[list[str] | None, typer.Argument(help="Chargers by name or glob.")] = None,
    primary: Annotated[str | None, typer.Option(metavar="BACKEND", help="Who is to be primary.")] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="For how long (2h); until ended without it.")
    ] = None,
    extend: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Let the toggle last so much longer (30m).")
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End the toggle: back to what is declared.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the toggles in force.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; goes to history.")] = None,
    max_disruption: options.MaxDisruption = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Make a back-end primary on chargers for a while, on top of what is declared; extend, end or list that."""
    if [primary is not None, extend is not None, end, list_].count(True) != 1 or bool(chargers) is list_:
        hint = "either CHARGER --primary BACKEND --reason TEXT, or CHARGER --extend DURATION, CHARGER --end, --list"
        raise FwdctlError("toggle to whom?", hint=hint)
    if not (end or list_) and not (reason or "").strip():
        raise FwdctlError("a toggle needs a reason", hint="say why, for history: --reason TEXT")
    body = {"chargers": chargers, "reason": reason, "actor": options.actor()}
    with ApiClient(url, token) as api:
        if list_:
            _print_list(api.toggles(), json_output=json_output)
            return
        if end:
            answer = api.end_toggle(chargers or [], options.actor())
        elif extend is not None:
            answer = api.extend_toggle({**body, "by_s": options.duration_s("--extend", extend)})
        else:
            for_s = options.duration_s("--for", for_) if for_ is not None else None
            answer = api.toggle({**body, "primary": primary, "for_s": for_s, "max_disruption": max_disruption})
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


def _print_list(answer: Json, *, json_output: bool) -> None:
    if json_output:
        print_json(answer)
    elif not answer["overrides"]:
        typer.echo("No toggle is in force.")
    else:
        print_table(("CHARGER", "ROLES", "UNTIL", "BY", "REASON"), map(_row, answer["overrides"]))


def _row(held: Json) -> tuple[str, ...]:
    roles = ", ".join(f"{backend} {role}" for backend, role in held["roles"].items())
    return held["charger"], roles, held["until"] or "ended", held["actor"], held["reason"]
