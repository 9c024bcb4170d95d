"""`fwdctl drift`: what differs from what was applied, with nobody having asked for it."""

from collections.abc import Iterable, Iterator
from typing import Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.output import print_json
from reconciler.planning.render import names

_TO_THE_SECOND: Final = len("2026-12-01T02:00:00")
NAMED: Final = 4
"""Fields that went the same way and are named; --json names all."""


def drift(
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> int:
    """Compare live with applied; exit 2 where a charger drifted or is refused what it is to run."""
    with ApiClient(url, token) as api:
        answer = api.drift()
    if json_output:
        print_json(answer)
        return int(answer["exit_code"])
    for line in told(answer["drifted"]):
        typer.echo(line)
    for change in answer["leg_changes"]:
        typer.echo(
            f"{change['charger']}: {change['field']} is {change['live']}, set by {_origin_text(change['origin'])}"
        )
    counts = ", ".join(f"{count} {state}" for state, count in answer["counts"].items())
    typer.echo(f"{'Drift.' if answer['drifted'] else 'No drift.'} Chargers: {counts or 'none'}.")
    return int(answer["exit_code"])


def told(drifted: Iterable[Json]) -> Iterator[str]:
    """Yield what a person is told of these chargers, as the API answers them; of those that stand alike, once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for standing in drifted:
        groups.setdefault(tuple(_told(standing)), []).append(standing["charger"])
    for (first, *others), chargers in groups.items():
        yield f"{names(chargers, verbose=False)}: {first}"
        yield from others


def _told(standing: Json) -> Iterator[str]:
    yield f"{standing['state']}, {'; '.join(standing['differences'])}"
    ways: dict[tuple[str | None, str | None], list[str]] = {}
    for field in standing["fields"]:
        ways.setdefault((field["applied"], field["live"]), []).append(field["field"])
    for (applied, live), fields in ways.items():
        more = f" and {len(fields) - NAMED} more" if len(fields) > NAMED else ""
        yield f"  {', '.join(fields[:NAMED])}{more}: {applied or 'none'} -> {live or 'none'}"
    if standing["state"] == "refused":
        yield f"  asked for by {_origin_text(standing['origin'])}; the last good roles keep running"
    else:
        yield f"  by {_origin_text(standing['origin'])}"
    if standing["paused"]:
        yield f"  not healed: paused, {standing['paused']}"
    elif standing["state"] == "refused":
        yield "  it is asked again, later and later"
    else:
        yield "  the controller heals it"


def _origin_text(origin: Json | None) -> str:
    if origin is None:
        return "nobody that history knows of"
    at = f" at {origin['at'][:_TO_THE_SECOND]}Z" if origin["at"] else ""
    why = f" ({origin['why']})" if origin["why"] else ""
    return f"{origin['who']}{at}{why}"
