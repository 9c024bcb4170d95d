"""`fwdctl dump`: what is applied, as YAML that can be applied again."""

import json
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.adapters.spec_files import write_documents
from reconciler.cli import options
from reconciler.cli.output import print_json
from reconciler.cli.specs import labels

_PASSWORD: Final = {"password": {"fromFile": "stations/{identity}"}}
"""What profiles 1 and 2 can't do without, where the server would look for it."""


def dump(
    live: Annotated[
        bool, typer.Option("--live", help="Also stations that knocked and are not declared, as specs to review.")
    ] = False,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=VALUE", help="With --live: a label for the new specs, such as a binding selects."),
    ] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Print what is applied; a plan of it is empty. With --live, stations that could be declared besides."""
    with ApiClient(url, token) as api:
        answer = api.dump(live=live)
    if given := labels(label or [], "--label"):
        for newcomer in answer["newcomers"] or ():
            if newcomer["document"] is not None:
                newcomer["document"]["metadata"]["labels"] = given
    if json_output:
        print_json(answer)
    else:
        typer.echo(write_documents(answer["documents"]), nl=False)
        for document in missing_profiles(answer):
            typer.echo("# No profile that is applied fits how these stations come in; review this one.")
            typer.echo(write_documents([document]), nl=False)
        for newcomer in answer["newcomers"] or ():
            _print(newcomer)


def missing_profiles(answer: Json) -> Iterator[Json]:
    """Yield a SecurityProfile for each that specs of newcomers name and that is not applied, by name."""
    applied = {
        document["metadata"]["name"] for document in answer["documents"] if document["kind"] == "SecurityProfile"
    }
    numbers = {
        newcomer["document"]["spec"]["securityProfile"]: newcomer["security_profile"]
        for newcomer in answer["newcomers"] or ()
        if newcomer["document"] is not None
    }
    for name in sorted(numbers.keys() - applied):
        spec = {"profile": numbers[name], **(_PASSWORD if numbers[name] in (1, 2) else {})}
        yield {"apiVersion": "fwdctl/v1", "kind": "SecurityProfile", "metadata": {"name": name}, "spec": spec}


def _print(newcomer: Json) -> None:
    """Print a station that knocked; its words go into a comment as JSON, so that they can't end it."""
    identity = json.dumps(newcomer["identity"])
    offered = ", ".join(map(json.dumps, newcomer["versions"])) or "no version"
    typer.echo(f"# Not declared: {identity} knocked {_times(newcomer['knocks'])}, last {newcomer['last_seen']}.")
    typer.echo(f"# It offered {offered}, in the way of security profile {newcomer['security_profile']}.")
    if newcomer["document"] is None:
        typer.echo("# It can't be declared: that is no identity, or no version that there is.")
    else:
        typer.echo(write_documents([newcomer["document"]]), nl=False)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
