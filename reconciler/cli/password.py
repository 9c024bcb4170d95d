"""`fwdctl password`: passwords of charging stations, made and hashed on the server's machine; works on its files."""

import os
import secrets
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from reconciler.adapters.argon2_hash import argon2_hash
from reconciler.adapters.password_key import make_password_key, read_password_key
from reconciler.app.stored_passwords import keyed_hash
from reconciler.cli import options
from reconciler.cli.output import say
from reconciler.errors import FwdctlError

password = typer.Typer(help="Passwords of charging stations: generate, hash.", no_args_is_help=True)

PASSWORD_BYTES: Final = 20
"""The most that OCPP 1.6 takes; 2.x takes 16 to 40 characters at least."""

Data = Annotated[Path, typer.Option(envvar="FWDCTL_DATA", metavar="DIR", help="The server's data directory.")]


@password.command("generate")
def generate(
    identities: Annotated[list[str], typer.Argument(metavar="IDENTITY...", help="As the stations call themselves.")],
    file: Annotated[str, typer.Option(help="fromFile of the profile's password.")] = "stations/{identity}",
    previous: Annotated[
        str | None, typer.Option(help="fromFile of passwordPrevious: what was valid until now is kept there.")
    ] = None,
    hex_: Annotated[bool, typer.Option("--hex", help="20 random bytes in hex, as OCPP 1.6 sends them.")] = False,
    data: Data = Path("./fwdctl-data"),
    secrets_directory: options.SecretsDirectory = None,
) -> None:
    """Generate random passwords: each is printed, once, and a keyed hash of it is what the server keeps."""
    root = secrets_directory or data / "secrets"
    key = read_password_key(data, os.environ) or make_password_key(data)
    for identity in identities:
        if "{identity}" not in file and len(identities) > 1:
            raise FwdctlError("several stations can't share a file", hint="write {identity} into --file")
        place = _place(root, file, identity)
        if previous is not None and place.exists():
            _write(_place(root, previous, identity), place.read_text())
        text = secrets.token_hex(PASSWORD_BYTES) if hex_ else secrets.token_urlsafe(PASSWORD_BYTES * 6 // 8)
        raw = bytes.fromhex(text) if hex_ else text.encode()
        _write(place, keyed_hash(raw, key, secrets.token_hex(16)) + "\n")
        typer.echo(f"{identity}\t{text}")
    say("Shown this once. They hold from now on; tell the stations.")


@password.command("hash")
def hash_() -> None:
    """Read a password from standard input and print its argon2id hash, to be a secret's content."""
    given = sys.stdin.buffer.read().removesuffix(b"\n").removesuffix(b"\r")
    if not given:
        raise FwdctlError("no password was given", hint="fwdctl password hash < FILE")
    typer.echo(argon2_hash(given))


def _place(root: Path, file: str, identity: str) -> Path:
    """Return the file that `fromFile` names for a station, as the server finds it."""
    relative = Path(file.replace("{identity}", quote(identity, safe="")))
    if relative.is_absolute() or ".." in relative.parts or identity in (".", ".."):
        raise FwdctlError(f"{relative} is outside the secrets directory", hint="name a path below it, as fromFile does")
    return root / relative


def _write(place: Path, text: str) -> None:
    """Write a file that only this user may read; it appears whole or not at all."""
    draft = place.with_name(f".{place.name}.new")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(text)
        draft.replace(place)
    except OSError as error:
        raise FwdctlError(f"{place} can't be written: {error.strerror}", hint="run it as the server's user") from error
