"""`fwdctl history`: who changed what, when and why."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git import DIRTY
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table
from reconciler.model.diagnostics import InvalidValue
from reconciler.model.durations import parse_duration

COMMIT_SHOWN: Final = 10


def history(
    charger: Annotated[str | None, typer.Option(help="Only this charger's events.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only events of this kind: apply, flip, toggle, ...")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME|DURATION", help="Only events since then: 2026-12-01T02:00, or 2h ago.")
    ] = None,
    revision: Annotated[int | None, typer.Option(min=1, help="Only what this revision brought about.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 100,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Show events, newest first."""
    from_then = _since(since) if since is not None else None
    with ApiClient(url, token) as api:
        answer = api.history(charger, kind, limit, from_then, revision)
    if json_output:
        print_json(answer)
        return
    if answer["events"]:
        # They come as they were written, some a moment late: a connection after the flip that it brought about.
        newest_first = sorted(answer["events"], key=lambda event: str(event["at"]), reverse=True)
        print_table(("AT", "KIND", "CHARGER", "BY", "WHAT"), map(_row, newest_first))
    else:
        typer.echo("No events.")
    for line in _forgotten(answer, from_then, limit, revision):
        typer.echo(line)


def _forgotten(answer: Json, since: str | None, limit: int, revision: int | None) -> Iterator[str]:
    """Yield what would be missed in an answer: events that are forgotten, and that revisions it names are."""
    kept = answer.get("kept") or {}
    events_since, oldest = kept.get("events_since"), kept.get("revision")
    to_the_end = len(answer["events"]) < limit
    if events_since and to_the_end and (since is None or _time(since) < _time(events_since)):
        yield f"Events from before {events_since} are forgotten (serve --history-keep)."
    named = [event["revision"] for event in answer["events"] if event["kind"] == "apply"] + [revision]
    if oldest and any(number is not None and number < oldest for number in named):
        yield (
            f"Of revisions before {oldest}, applied at {kept['revision_at']}, only events are left"
            " (serve --revisions-keep): rollback and show don't go back to them."
        )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _since(text: str) -> str:
    try:
        ago_s = parse_duration(text)
    except InvalidValue:
        return options.instant("--since", text)
    return (SystemClock().now() - timedelta(seconds=ago_s)).isoformat()


def told(event: Json) -> str:
    """Return what an event was, why, and which commit it came from; of an apply its revision and id, too."""
    applied = event["kind"] == "apply"
    revision = f"revision {event['revision']}: " if applied and event["revision"] is not None else ""
    run = f" [apply {event['details']['apply']}]" if applied and "apply" in event["details"] else ""
    reason = f" ({event['reason']})" if event["reason"] else ""
    return f"{revision}{event['summary']}{reason}{_git(event)}{run}"


def _row(event: Json) -> tuple[str, ...]:
    return event["at"], event["kind"], event["charger"] or "-", event["actor"] or "-", told(event)


def _git(event: Json) -> str:
    """Return what an event has of Git: " [commit 0123abcd by Alice <alice@example.com>]", or nothing."""
    commit, author = (str(event["details"].get(field, "")) for field in ("git_commit", "git_author"))
    if not commit:
        return ""
    short = commit[:COMMIT_SHOWN] + (DIRTY if commit.endswith(DIRTY) else "")
    return f" [commit {short}{f' by {author}' if author else ''}]"
