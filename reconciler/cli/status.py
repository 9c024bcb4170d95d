"""`fwdctl status`: every charger as it runs now, beside what it is to run."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.local_rules import print_policies, print_rules
from reconciler.cli.output import answers, print_json, print_table

WATCH_EVERY_S: Final = 2.0
EXPIRY_WARN_DAYS: Final = 30
LAYERS: Final = {"override": "toggled", "outage": "outage", "failover": "failed over"}
"""What a row says of a charger that does not run as declared."""


def status(
    address: Annotated[
        str | None,
        typer.Argument(help="A charger, split system, binding, back-end or load policy; all chargers without it."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every 2 s, until Ctrl-C.")] = False,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Show who owns what on every charger now, and whether that is what was applied."""
    with ApiClient(url, token) as api:
        while True:
            answer = api.status(address)
            if watch:
                answers().clear()  # does nothing where there is no terminal
            if json_output:
                print_json(answer)
            else:
                _print(answer["chargers"], address)
                if answer["strangers"] and address is None:
                    typer.echo(f"Not declared, and knocked: {answer['strangers']} (fwdctl dump --live writes specs).")
                print_policies(api.load_policies()["load_policies"], address)
                if address is None or address.startswith("notification-rule."):
                    print_rules(api.notification_rules()["notification_rules"], address)
                _print_expiring(answer["chargers"])
                _print_trouble(api.undelivered_notices()["notices"])
            if not watch:
                return
            time.sleep(WATCH_EVERY_S)


def _print(chargers: list[Json], address: str | None) -> None:
    if address is not None and len(chargers) == 1:
        for line in _details(chargers[0]):
            typer.echo(line)
    elif not chargers:
        if address is not None and address.startswith("notification-rule."):
            return  # one of the relay itself is about none
        typer.echo("No charger is declared.")
    else:
        print_table(("CHARGER", "STATE", "VERSION", "OWNERS", "LEGS", "TRANSACTIONS"), map(_row, chargers))


def _print_trouble(notices: list[Json]) -> None:
    """Say which partners could not be told so far; nothing where all were."""
    for notice in notices:
        if notice["error"]:
            told = f"{notice['outage']} {notice['edge']} to {notice['recipient']}"
            typer.echo(f"Notice not delivered ({notice['status']}): {told}: {notice['error']}")


def owners_text(owners: Mapping[str, str]) -> str:
    """Return who owns what, briefly: "partner-pay, grid-co: smart-charging"; who owns most comes first, unqualified."""
    features: dict[str, list[str]] = {}
    for feature, owner in owners.items():
        features.setdefault(owner, []).append(feature)
    ranked = sorted(features, key=lambda owner: (-len(features[owner]), owner))
    return ", ".join([*ranked[:1], *(f"{owner}: {' '.join(features[owner])}" for owner in ranked[1:])])


def _row(charger: Json) -> tuple[str, ...]:
    live = charger["live"] or {"legs": (), "transactions": ()}
    registered = sum(leg["phase"] == "registered" for leg in live["legs"])
    return (
        charger["charger"],
        charger["state"]
        + (f" ({LAYERS[charger['decided_by']['layer']]})" if charger["decided_by"] else "")
        + (" (paused)" if charger["paused"] else "")
        + (" (held)" if charger["held"] and not charger["paused"] else ""),
        live.get("version") or "-",
        owners_text(live.get("owners") or charger["desired_owners"] or {}),
        f"{registered}/{len(live['legs'])}" if live["legs"] else "-",
        str(len(live["transactions"]) or "-"),
    )


def expiring(indent: str, expires: str | None) -> Iterator[str]:
    """Yield a warning where a certificate expires soon, or has."""
    if expires is not None:
        days = (datetime.fromisoformat(expires).timestamp() - time.time()) / 86_400
        if days <= EXPIRY_WARN_DAYS:
            yield f"{indent}WARNING certificate expires {expires} (in {days:.0f} days)"


def _print_expiring(chargers: list[Json]) -> None:
    """Say which chargers have a certificate that expires soon, on any leg; nothing where none has."""
    near = [
        charger["charger"]
        for charger in chargers
        if charger["live"] and any(list(expiring("", each)) for each in _certificates(charger["live"]))
    ]
    if near:
        named = ", ".join(near[:5]) + (", ..." if len(near) > 5 else "")
        typer.echo(f"Certificates expire within {EXPIRY_WARN_DAYS} days: {named} (fwdctl status charger.NAME).")


def _certificates(live: Json) -> list[str | None]:
    return [live.get("certificate_expires"), *(leg.get("certificate_expires") for leg in live["legs"])]


def _details(charger: Json) -> Iterator[str]:
    yield from _standing(charger)
    live = charger["live"]
    if live is None or not live["connected"]:
        yield f"  offline since {live['since']}" if live and live["since"] else "  offline, never seen"
    else:
        yield from _live(live)


def _standing(charger: Json) -> Iterator[str]:
    yield f"{charger['charger']}  {charger['state']}"
    yield from (f"  {difference}" for difference in charger["differences"])
    yield f"  declared by {charger['declared_by'] or 'nothing'}, bound by {charger['bound_by'] or 'nothing'}"
    if (decided := charger["decided_by"]) is not None:
        until = f" until {decided['until']}" if decided["until"] else ""
        yield f"  {decided['because']}{until}"
    if (held := charger["held"]) is not None:
        yield f"  runs as of revision {held['revision']}: {held['because']}"
    if charger["paused"]:
        yield f"  paused {charger['paused']}; fwdctl resume {charger['charger']} ends a pause made by hand"


def _live(live: Json) -> Iterator[str]:
    at_node = f" to node {live['node']}" if live.get("node") else ""
    yield f"  connected since {live['since']}{at_node}, {live['version']}, generation {live['generation']}"
    yield from expiring("  ", live.get("certificate_expires"))
    yield f"  owners: {owners_text(live['owners'])}"
    if live["refused"] is not None:
        yield f"  refused generation {live['refused']['generation']}: {live['refused']['reason']}"
    for leg in live["legs"]:
        detail = f", {leg['detail']}" if leg["detail"] else ""
        yield f"  leg {leg['backend']}: {leg['role']}, {leg['phase']} since {leg['since']}{detail}"
        if leg.get("credential"):
            yield f"    {leg['credential']}"
            yield "    the spec's word counts there again once what it says, or what it refers to, is another"
        yield from expiring("    ", leg.get("certificate_expires"))
    for left in live["residue"]:
        stuck = f" ({left['stuck']} that it does not let go of)" if left.get("stuck") else ""
        yield f"  left in the station by {left['owner']}: {left['count']} {left['kind']}{stuck}"
    if live["kept_calls"]:
        yield f"  kept for an owner that is away: {live['kept_calls']} messages"
    for open_ in live["transactions"]:
        connector = f" on connector {open_['connector']}" if open_["connector"] else ""
        yield f"  transaction {open_['id']}{connector} since {open_['since']}, of {open_['owner']}"
