"""`fwdctl outage`: windows in which others are in charge: what is open, what comes, and how to change one opening."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.app.courses import Verdict
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table
from reconciler.errors import AppliedInPart
from reconciler.planning.render import chargers as chargers_text

FAILED: Final = Verdict.FAILED.value

outage = typer.Typer(help="Outages: what is open, what comes next, cancel, extend, start.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The outage, as fwdctl outage list names it.")]
Reason = Annotated[str, typer.Option(help="Why; goes to history and to partners.")]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Of which opening; without it the one that is open, else the next."),
]


class OpenTransaction(StrEnum):
    """What to do with chargers that have an open transaction."""

    PROCEED = "proceed"
    WAIT = "wait"
    SKIP = "skip"


@outage.command("list")
def list_(
    json_output: options.JsonOutput = False, url: options.Url = options.DEFAULT_URL, token: options.Token = None
) -> None:
    """List the outages that are open or will be."""
    with ApiClient(url, token) as api:
        answer = api.outages()
    if json_output:
        print_json(answer)
    elif not answer["outages"]:
        typer.echo("No outage is open, and none is to come.")
    else:
        print_table(("OUTAGE", "STATE", "NEXT", "CHARGERS", "ROLES", "REASON"), map(_outage_row, answer["outages"]))
        if told := [notice for found in answer["outages"] for notice in found["notices"]]:
            typer.echo()
            print_table(("NOTICE", "TO", "STATUS", "ATTEMPTS", "TROUBLE"), map(_notice_row, told))


@outage.command("next")
def next_(
    limit: Annotated[int, typer.Option(min=1, help="How many openings.")] = 10,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """List the next openings of all outages."""
    with ApiClient(url, token) as api:
        answer = api.upcoming_outages(limit)
    if json_output:
        print_json(answer)
    elif not answer["occurrences"]:
        typer.echo("No outage is to come.")
    else:
        print_table(("OPENING", "UNTIL", "OUTAGE", "CHANGED"), map(_occurrence_row, answer["occurrences"]))


@outage.command()
def cancel(
    name: Name,
    reason: Reason,
    at: At = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """End the opening that is open, or see to it that one to come never opens; later ones stay."""
    body = {"opening": _opening(at), "reason": reason, "actor": options.actor()}
    with ApiClient(url, token) as api:
        _tell(api.cancel_outage(name, body), json_output=json_output)


@outage.command()
def extend(
    name: Name,
    by: Annotated[str, typer.Option(metavar="DURATION", help="How much longer it lasts (30m).")],
    reason: Reason,
    at: At = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Let one opening last longer."""
    body = {
        "by_s": options.duration_s("--by", by),
        "opening": _opening(at),
        "reason": reason,
        "actor": options.actor(),
    }
    with ApiClient(url, token) as api:
        _tell(api.extend_outage(name, body), json_output=json_output)


@outage.command()
def start(
    chargers: Annotated[list[str], typer.Argument(help="Chargers by name or glob.")],
    primary: Annotated[str, typer.Option(metavar="BACKEND", help="Who is to be primary.")],
    for_: Annotated[str, typer.Option("--for", metavar="DURATION", help="For how long (2h).")],
    reason: Reason,
    tell: Annotated[
        list[str] | None, typer.Option(metavar="BACKEND", help="Whose contacts get notice; repeatable.")
    ] = None,
    open_transaction: Annotated[
        OpenTransaction | None, typer.Option(help="For chargers with an open transaction; as the binding says.")
    ] = None,
    max_disruption: options.MaxDisruption = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Start an outage at once, for an emergency; it ends by itself."""
    body = {
        "chargers": chargers,
        "primary": primary,
        "for_s": options.duration_s("--for", for_),
        "reason": reason,
        "tell": tell or [],
        "open_transaction": open_transaction.value if open_transaction is not None else None,
        "max_disruption": max_disruption,
        "actor": options.actor(),
    }
    with ApiClient(url, token) as api:
        _tell(api.begin_outage(body), json_output=json_output)


def _opening(at: str | None) -> str | None:
    return options.instant("--at", at) if at is not None else None


def _tell(answer: Json, *, json_output: bool) -> None:
    one, results = answer["occurrence"], answer["results"]
    if json_output:
        print_json(answer)
    else:
        state = "never opens" if one["cancelled"] else f"lasts until {one['until']}"
        typer.echo(f"{one['outage']}, opening {one['opening']}: {state}; {chargers_text(len(results))} moved")
    failed = [result["charger"] for result in results if result["verdict"] == FAILED]
    if failed:
        raise AppliedInPart(
            f"{len(failed)} of {len(results)} chargers did not flip: {', '.join(failed)}",
            hint="the server keeps trying: fwdctl status",
        )


def _outage_row(found: Json) -> tuple[str, ...]:
    return (
        found["name"],
        f"open until {found['open']['until']}" if found["open"] else "closed",
        found["next"]["opening"] if found["next"] else "-",
        str(len(found["chargers"])),
        ", ".join(f"{backend} {role}" for backend, role in found["roles"].items()),
        found["reason"] or "-",
    )


def _notice_row(notice: Json) -> tuple[str, ...]:
    status = notice["status"] + (", late" if notice["late"] else "")
    name = f"{notice['occurrence']} {notice['edge']}"
    return name, notice["recipient"], status, str(notice["attempts"]), notice["error"] or "-"


def _occurrence_row(one: Json) -> tuple[str, ...]:
    changed = f"{one['adjusted']['by']}: {one['adjusted']['reason']}" if one["adjusted"] else "-"
    return one["opening"], "cancelled" if one["cancelled"] else one["until"], one["outage"], changed
