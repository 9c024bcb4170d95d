"""`fwdctl dump`: what is applied, as YAML that can be applied again."""

import typer

from reconciler.adapters.api_client import ApiClient
from reconciler.adapters.spec_files import write_documents
from reconciler.cli import options
from reconciler.cli.output import print_json


def dump(
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Print what is applied; a plan of it is empty."""
    with ApiClient(url, token) as api:
        answer = api.dump()
    if json_output:
        print_json(answer)
    else:
        typer.echo(write_documents(answer["documents"]), nl=False)
