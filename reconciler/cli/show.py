"""`fwdctl show`: a resource as it was applied at a time, and who was to own what on a charger then."""

from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.adapters.spec_files import write_documents
from reconciler.cli import options
from reconciler.cli.history import told
from reconciler.cli.output import print_json
from reconciler.planning.render import features


def show(
    address: Annotated[str, typer.Argument(help="For example charger.cp001, or backend-binding.depot-a.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="As it was then: 2026-12-01T02:00, with or without an offset; now without."),
    ] = None,
    revision: Annotated[int | None, typer.Option(min=1, help="As this revision left it.")] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Show a resource as it was applied at a time; for a charger, who was to own what then, and its last flip."""
    with ApiClient(url, token) as api:
        answer = api.show(address, options.instant("--at", at) if at is not None else None, revision)
    if json_output:
        print_json(answer)
    else:
        _print(answer)


def _print(answer: Json) -> None:
    when = f" at {answer['at']}" if answer["at"] is not None else ""
    typer.echo(f"# {answer['address']}{when}, revision {answer['revision']}")
    if (applied := answer["changed_by"]) is not None:
        typer.echo(f"# applied {applied['at']} by {applied['actor']}: {told(applied)}")
    if (explanation := answer["explanation"]) is not None:
        for decision in explanation["decisions"]:
            typer.echo(f"# {features(decision['features'])}: {decision['owner']}, {decision['because']}")
    if (flip := answer["flip"]) is not None:
        typer.echo(f"# last flip {flip['at']} by {flip['actor'] or 'nobody'}: {told(flip)}")
    typer.echo(write_documents([answer["content"]]), nl=False)
