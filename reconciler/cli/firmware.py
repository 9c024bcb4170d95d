"""`fwdctl firmware` and `fwdctl upload`: files for stations, and files of stations."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli import options
from reconciler.cli.output import print_json, print_table, say
from reconciler.errors import FwdctlError

firmware = typer.Typer(help="Firmware that stations can be told to fetch.", no_args_is_help=True)
upload = typer.Typer(help="Files that stations left here.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The file.")]


@firmware.command()
def add(
    file: File,
    name: Annotated[str | None, typer.Option(help="Its name here; the file's own without.")] = None,
    signature: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its signature, base64 in a file, for signed updates.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The signing certificate in PEM, for signed updates.")
    ] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Put a file on the shelf; one of the same name is replaced."""
    if (signature is None) != (certificate is None):
        raise FwdctlError("--signature and --certificate go together", hint="give both, or neither")
    signing = {} if signature is None else {"signature": signature.read_text().strip()}
    signing |= {} if certificate is None else {"certificate": certificate.read_text()}
    with ApiClient(url, token) as api, file.open("rb") as content:
        kept = api.add_firmware(name or file.name, content, **signing)
    if json_output:
        print_json(kept)
    else:
        typer.echo(f"{kept['name']}: {kept['size']} bytes, sha256 {kept['sha256']}")


@firmware.command("list")
def list_firmware(
    json_output: options.JsonOutput = False, url: options.Url = options.DEFAULT_URL, token: options.Token = None
) -> None:
    """List the shelf."""
    with ApiClient(url, token) as api:
        found = api.firmware()
    if json_output:
        print_json(found)
        return
    if not found["served"]:
        say("stations can't reach this server for files: fwdctl serve --files HOST:PORT")
    if found["firmware"]:
        print_table(("NAME", "SIZE", "SIGNED", "SHA256"), [_firmware_row(file) for file in found["firmware"]])
    else:
        typer.echo("The shelf is empty.")


@firmware.command()
def remove(
    name: Annotated[str, typer.Argument(help="As fwdctl firmware list shows it.")],
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Take a file off the shelf."""
    with ApiClient(url, token) as api:
        typer.echo(f"{api.remove_firmware(name)['name']} is gone")


@upload.command("list")
def list_uploads(
    charger: Annotated[str | None, typer.Option(help="Only of this charger.")] = None,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """List what stations left, newest first."""
    with ApiClient(url, token) as api:
        found = api.uploads(charger.removeprefix("charger.") if charger else None)
    if json_output:
        print_json(found)
    elif found["uploads"]:
        rows = [
            (one["id"], one["received_at"], one["charger"], one["name"], str(one["size"])) for one in found["uploads"]
        ]
        print_table(("ID", "AT", "CHARGER", "NAME", "SIZE"), rows)
    else:
        typer.echo("No upload is kept.")


@upload.command()
def get(
    upload_id: Annotated[str, typer.Argument(metavar="ID", help="As fwdctl upload list shows it.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")],
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> None:
    """Download a file that a station left."""
    with ApiClient(url, token) as api, out.open("wb") as into:
        api.download(upload_id, into)
    say(f"{out}: {out.stat().st_size} bytes")


def _firmware_row(file: Json) -> tuple[str, ...]:
    return file["name"], str(file["size"]), "yes" if file["signed"] else "no", file["sha256"]
