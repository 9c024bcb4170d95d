"""`fwdctl token`: who may call the admin API: give, list and take tokens."""

from datetime import datetime
from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table, say
from reconciler.cli.specs import labels
from reconciler.model.access import Access

token = typer.Typer(help="Access tokens of the admin API: create, list, revoke.", no_args_is_help=True)


@token.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What or who it is for.")],
    access: Annotated[Access, typer.Option(help="What it may do.")],
    expires: Annotated[
        str, typer.Option(metavar="DURATION", help="After how long it expires (90d, 12h), or never.")
    ] = "90d",
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="LABEL=VALUE", help="Only for chargers with this label; repeatable."),
    ] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Create a token and print it, once: the server keeps only its digest."""
    body = {
        "name": name,
        "access": access.value,
        "valid_for_s": _valid_for_s(expires),
        "select": labels(select or []),
        "actor": options.actor(),
    }
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
        rows = (_row(one) for one in answer["tokens"])
        print_table(("ID", "NAME", "ACCESS", "CHARGERS", "BY", "HOLDS"), rows)


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


def _valid_for_s(expires: str) -> float | None:
    """Return the duration in seconds; tokens are counted in days, which specs have no unit for."""
    if expires == "never":
        return None
    days = expires.removesuffix("d")
    if days != expires and days.isascii() and days.isdecimal():
        return int(days) * 24 * 3600.0
    return options.duration_s("--expires", expires)


def _row(one: Json) -> tuple[str, ...]:
    return one["id"], one["name"], one["access"], _reach(one), one["created_by"], _end(one)


def _reach(token: Json) -> str:
    return ", ".join(f"{label}={value}" for label, value in token["select"].items()) or "all"


def _end(token: Json) -> str:
    if token["revoked_at"]:
        return "revoked"
    if not token["expires_at"]:
        return "never expires"
    return f"until {datetime.fromisoformat(token['expires_at']):%Y-%m-%d %H:%M} UTC"
