"""The server's key for hashes of stations' passwords: a variable, or a file that only its user may read."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.errors import FwdctlError

KEY_FILE: Final = "password-key"
VARIABLE: Final = "FWDCTL_PASSWORD_KEY"
KEY_BYTES_MIN: Final = 16


def read_password_key(data: Path, environ: Mapping[str, str]) -> bytes | None:
    """Return the key: FWDCTL_PASSWORD_KEY, else the file password-key in `data`; None where neither is.

    Raises FwdctlError where it is too short, or where others may read the file.
    """
    file = data / KEY_FILE
    key = environ.get(VARIABLE, "").encode() or _of_file(file)
    if key is not None and len(key) < KEY_BYTES_MIN:
        raise FwdctlError(f"the password key is shorter than {KEY_BYTES_MIN} bytes", hint=f"see {VARIABLE} and {file}")
    return key


def make_password_key(data: Path) -> bytes:
    """Write a new random key into `data` and return it. Raises FwdctlError."""
    key = secrets.token_hex(32).encode()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FwdctlError(f"the password key can't be written into {data}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(key + b"\n")
    return key


def _of_file(file: Path) -> bytes | None:
    try:
        if file.stat().st_mode & 0o077:
            raise FwdctlError(f"others may read the password key {file}", hint=f"chmod 600 {file}")
        return file.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FwdctlError(f"the password key {file} can't be read: {error.strerror}") from error
