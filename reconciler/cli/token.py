"""`fwdctl token`: who may call the admin API: give, list and take tokens."""

from datetime import datetime
from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table, say
from reconciler.model.access import Access

token = typer.Typer(help="Access tokens of the admin API: create, list, revoke.", no_args_is_help=True)


@token.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What or who it is for.")],
    access: Annotated[Access, typer.Option(help="What it may do.")],
    expires: Annotated[str, typer.Option(metavar="DURATION", help="After how long it expires; never: none.")] = "90d",
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Create a token and print it, once: the server keeps only its digest."""
    valid_for_s = None if expires == "never" else options.duration_s("--expires", expires)
    body = {"name": name, "access": access.value, "valid_for_s": valid_for_s, "actor": options.actor()}
    with ApiClient(url, token) as api:
        answer = api.create_token(body)
    if json_output:
        print_json(answer)
    else:
        say(f"Token {answer['id']}, {answer['access']}, {_end(answer)}. It is shown this once:")
        typer.echo(answer["token"])


@token.command("list")
def list_(
    json_output: options.JsonOutput = False, url: options.Url = options.DEFAULT_URL, token: options.Token = None
) -> None:
    """List the tokens, those that no longer hold among them."""
    with ApiClient(url, token) as api:
        answer = api.tokens()
    if json_output:
        print_json(answer)
    elif not answer["tokens"]:
        typer.echo("No tokens.")
    else:
        rows = ((one["id"], one["name"], one["access"], one["created_by"], _end(one)) for one in answer["tokens"])
        print_table(("ID", "NAME", "ACCESS", "BY", "HOLDS"), rows)


@token.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As fwdctl token list shows it.")],
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Revoke a token: the next call with it is refused."""
    with ApiClient(url, token) as api:
        answer = api.revoke_token(token_id, options.actor())
    if json_output:
        print_json(answer)
    else:
        typer.echo(f"Token {answer['id']} ({answer['name']}) is revoked.")


def _end(token: Json) -> str:
    if token["revoked_at"]:
        return "revoked"
    if not token["expires_at"]:
        return "never expires"
    return f"until {datetime.fromisoformat(token['expires_at']):%Y-%m-%d %H:%M} UTC"
