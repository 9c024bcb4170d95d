"""`fwdctl history`: who changed what, when and why."""

from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.adapters.git import DIRTY
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table

COMMIT_SHOWN: Final = 10


def history(
    charger: Annotated[str | None, typer.Option(help="Only this charger's events.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only events of this kind: apply, flip, toggle, ...")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 100,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Show events, newest first."""
    with ApiClient(url, token) as api:
        answer = api.history(charger, kind, limit)
    if json_output:
        print_json(answer)
    elif not answer["events"]:
        typer.echo("No events.")
    else:
        print_table(("AT", "KIND", "CHARGER", "BY", "WHAT"), map(_row, answer["events"]))


def _row(event: Json) -> tuple[str, ...]:
    reason = f" ({event['reason']})" if event["reason"] else ""
    return (
        event["at"],
        event["kind"],
        event["charger"] or "-",
        event["actor"] or "-",
        event["summary"] + reason + _git(event),
    )


def _git(event: Json) -> str:
    """Return what an event has of Git: " [commit 0123abcd by Alice <alice@example.com>]", or nothing."""
    commit, author = (str(event["details"].get(field, "")) for field in ("git_commit", "git_author"))
    if not commit:
        return ""
    short = commit[:COMMIT_SHOWN] + (DIRTY if commit.endswith(DIRTY) else "")
    return f" [commit {short}{f' by {author}' if author else ''}]"
