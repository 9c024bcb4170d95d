"""`fwdctl drift`: what differs from what was applied, with nobody having asked for it."""

import typer

from reconciler.adapters.api_client import ApiClient
from reconciler.cli import options
from reconciler.cli.output import print_json


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
    for standing in answer["drifted"]:
        typer.echo(f"{standing['charger']}: {standing['state']}, {'; '.join(standing['differences'])}")
    counts = ", ".join(f"{count} {state}" for state, count in answer["counts"].items())
    typer.echo(f"{'Drift.' if answer['drifted'] else 'No drift.'} Chargers: {counts or 'none'}.")
    return int(answer["exit_code"])
