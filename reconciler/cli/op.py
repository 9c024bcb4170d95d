"""`fwdctl op`: has `local` operate a charger, where it owns the feature; follows it to its end."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.app import api_contract
from reconciler.cli import options
from reconciler.cli.bulk_op import labels_of, run_bulk
from reconciler.cli.operation_options import describe, read_parameters
from reconciler.cli.output import print_json, print_table, say
from reconciler.errors import FwdctlError
from reconciler.local.operations.catalogue import OPERATIONS, operation_named

WAIT_S: Final = 10.0
CONTEXT: Final = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
"""Options of the operation itself are read by its own parameters, --help among them."""
op = typer.Typer(add_completion=False)
_HELP: Final = ("--help", "-h")


@op.command(context_settings=CONTEXT)
def operate(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[CHARGER] [OPERATION] [--OPTION VALUE]...", help="What, and where.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter; @FILE reads its value.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; goes to history.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the fetched log here.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end.")] = True,
    select: options.Select = None,
    parallelism: Annotated[int, typer.Option(min=1, max=100, help="Of many chargers, how many at once.")] = 5,
    max_failures: Annotated[int, typer.Option(min=0, help="Of many chargers, how many may fail; then it stops.")] = 0,
    follow: Annotated[str | None, typer.Option(metavar="ID", help="Follow an operation that was begun before.")] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Operate a charger; with CHARGER alone: what can be done there now, and why not."""
    given = [*(words or []), *context.args]
    names = given[: next((n for n, word in enumerate(given) if word.startswith("-")), len(given))]
    if any(word in _HELP for word in given) or not (names or follow):
        _help(context, names)
        return
    with ApiClient(url, token) as api:
        if follow is None and (select or _is_glob(names[0])):
            many = {"select": labels_of(select or []), "parallelism": parallelism, "max_failures": max_failures}
            chargers, ordered = names[:-1], _ordered(names[-1], given[len(names) :], param or [], reason)
            run_bulk(api, ordered | many | {"chargers": chargers}, json_output=json_output)
            return
        if follow is None and len(names) == 1:
            _print_offers(api.offers(names[0]), json_output=json_output)
            return
        operation_id = follow or _begin(api, names, given[len(names) :], param or [], reason)
        if not wait:
            typer.echo(operation_id)
            return
        done = _followed(api, operation_id, quiet=json_output)
        if out is not None and done["result"] and done["result"].get("upload"):
            with out.open("wb") as into:
                api.download(done["result"]["upload"], into)
    if json_output:
        print_json(done)
    elif done["result"]:
        _print_result(done["result"])
    if done["error"] is not None:
        raise api_contract.error_from_json({"error": done["error"]})


def _help(context: typer.Context, names: list[str]) -> None:
    known = [name for name in names if name in OPERATIONS]
    if known:
        typer.echo(describe(OPERATIONS[known[0]]))
        return
    typer.echo(context.get_help())
    typer.echo("Operations (fwdctl op CHARGER OPERATION --help has the options of each):")
    for operation in OPERATIONS.values():
        typer.echo(f"  {operation.name:20} {operation.summary}")


def _begin(api: ApiClient, names: list[str], given: list[str], pairs: list[str], reason: str) -> str:
    if len(names) != 2:
        raise FwdctlError(
            f"one charger and one operation, not {' '.join(names)}",
            hint="fwdctl op CHARGER OPERATION [--OPTION VALUE]...",
        )
    charger, name = names
    return str(api.start_operation({"charger": charger} | _ordered(name, given, pairs, reason))["id"])


def _ordered(name: str, given: list[str], pairs: list[str], reason: str) -> dict[str, Any]:
    return {
        "operation": name,
        "parameters": read_parameters(operation_named(name), given, pairs),
        "reason": reason,
        "actor": options.actor(),
    }


def _is_glob(charger: str) -> bool:
    return any(sign in charger for sign in "*?[")


def _followed(api: ApiClient, operation_id: str, *, quiet: bool) -> Json:
    """Tell the progress of an operation as it comes, and return it once it is over, all of its progress in it."""
    seen = 0
    while True:
        found = api.operation(operation_id, wait_s=WAIT_S, seen=seen)
        seen += len(found["progress"])
        for line in found["progress"] if not quiet else ():
            say(f"  {line['text']}")
        if found["done"]:
            return api.operation(operation_id)


def _print_offers(answer: Json, *, json_output: bool) -> None:
    if json_output:
        print_json(answer)
        return
    rows = [
        (offer["operation"], "yes" if offer["available"] else "no", offer["reason"] or offer["summary"])
        for offer in answer["operations"]
    ]
    print_table(("OPERATION", "NOW", "WHAT, OR WHY NOT"), rows)
    ways_out = dict.fromkeys(offer["way_out"] for offer in answer["operations"] if offer["way_out"])
    for way_out in ways_out:
        say(f"hint: {way_out}")
    for running in answer["running"]:
        say(f"under way: {running['operation']} since {running['started_at']}: fwdctl op --follow {running['id']}")


def _print_result(result: Json) -> None:
    """Print a result: single values as lines, lists of objects as tables."""
    for name, value in result.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            columns = list(dict.fromkeys(column for row in value for column in row))
            rows = [tuple(_text(row.get(column)) for column in columns) for row in value]
            print_table(tuple(column.upper().replace("_", " ") for column in columns), rows)
        elif value not in ("", None, []):
            typer.echo(f"{name.replace('_', ' ')}: {_text(value)}")


def _text(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value) if isinstance(value, dict | list) else "" if value is None else str(value)
