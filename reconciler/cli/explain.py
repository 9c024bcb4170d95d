"""`fwdctl explain`: who owns what on a charger, and which layer made it so."""

from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table
from reconciler.planning.render import features


def explain(
    charger: Annotated[str, typer.Argument(help="A charger by name.")],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="At another time: 2026-12-01T02:00, with or without an offset.")
    ] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Say why a charger runs as it does: declared, an outage, a technician; now or at any time."""
    with ApiClient(url, token) as api:
        answer = api.explain(charger, options.instant("--at", at) if at is not None else None)
    if json_output:
        print_json(answer)
    else:
        _print(answer)


def _print(answer: Json) -> None:
    typer.echo(f"{answer['charger']} at {answer['at']}")
    for decision in answer["decisions"]:
        typer.echo(f"  {features(decision['features'])}: {decision['owner']}, {decision['because']}")
    if answer["not_yet"] is not None:
        typer.echo(f"  not so yet: {answer['not_yet']}")
    typer.echo()
    print_table(("LAYER", "UNTIL", "VERDICT", "BECAUSE"), map(_row, answer["layers"]))
    if answer["changes_at"] is not None:
        typer.echo(f"\nMay next change by itself at {answer['changes_at']}.")


def _row(layer: Json) -> tuple[str, ...]:
    return layer["layer"], layer["until"] or "-", layer["verdict"], layer["because"]
