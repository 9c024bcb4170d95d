"""`fwdctl history`: who changed what, when and why."""

from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table


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
    return event["at"], event["kind"], event["charger"] or "-", event["actor"] or "-", event["summary"] + reason
