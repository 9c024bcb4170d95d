"""`fwdctl version`: of this command, and of the server where one answers."""

import typer

from reconciler import __version__
from reconciler.adapters.api_client import ApiClient
from reconciler.app.api_contract import FORMAT_VERSION
from reconciler.cli import options
from reconciler.cli.output import print_json
from reconciler.errors import FwdctlError


def version(
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Show the version of this fwdctl and of the server; no server is no error."""
    try:
        with ApiClient(url, token) as api:
            server = str(api.version()["version"])
    except FwdctlError:
        server = None
    if json_output:
        print_json({"format_version": FORMAT_VERSION, "client": __version__, "server": server})
    else:
        typer.echo(f"fwdctl {__version__}")
        typer.echo(f"server {server or 'none'} at {url}")
