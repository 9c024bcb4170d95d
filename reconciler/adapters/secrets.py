"""Secrets on the server: files inside one directory, and environment variables with one prefix; nothing else."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from reconciler.errors import SecretUnavailable
from reconciler.model.desired import SecretRef

ENV_PREFIX: Final = "FWDCTL_SECRET_"
MAX_SECRET_BYTES: Final = 256 * 1024
"""A long certificate chain is a few dozen KiB; what is larger is no secret but a mistake."""


class ServerSecrets:
    """Implements `app.ports.Secrets`: `directory` is the server's --secrets, `environ` its environment.

    A spec decides only *which* secret of these is used. It cannot reach another file of the server: absolute
    paths, `..`, and symbolic links that lead out of the directory are refused, and an identity is
    percent-encoded before it becomes part of a file name.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._environ = environ

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return the secret's bytes (one trailing newline of a file removed; `{identity}` in a path replaced).

        Raises SecretUnavailable, naming the reference and never the value.
        """
        value = self._from_env(ref) if ref.source == "env" else self._from_file(ref, identity)
        if not value:
            raise SecretUnavailable(f"secret {ref} is empty", hint="an empty secret protects nothing: give it a value")
        return value

    def _from_env(self, ref: SecretRef) -> bytes:
        if not ref.name.startswith(ENV_PREFIX):
            raise SecretUnavailable(
                f"secret {ref} may not be read: only variables named {ENV_PREFIX}... are secrets of specs",
                hint=f"name it {ENV_PREFIX}{ref.name.upper()} on the server and in the spec",
            )
        value = self._environ.get(ref.name)
        if value is None:
            raise SecretUnavailable(
                f"secret {ref} is not set in the server's environment",
                hint=f"start the server with {ref.name} set (the client's environment is never used)",
            )
        return os.fsencode(value)

    def _from_file(self, ref: SecretRef, identity: str) -> bytes:
        path = self._path(ref, identity)
        try:
            if not path.is_file():
                raise SecretUnavailable(
                    f"secret {ref} is no file in the server's secrets directory{_of(identity)}",
                    hint="put it there (serve --secrets names the directory), or correct fromFile",
                )
            with path.open("rb") as file:
                value = file.read(MAX_SECRET_BYTES + 1)
        except OSError as error:
            raise SecretUnavailable(
                f"secret {ref} can't be read on the server{_of(identity)}: {error.strerror}",
                hint="give the server's user the right to read it",
            ) from error
        if len(value) > MAX_SECRET_BYTES:
            raise SecretUnavailable(f"secret {ref} is larger than {MAX_SECRET_BYTES} bytes", hint="correct fromFile")
        return value.removesuffix(b"\n").removesuffix(b"\r")

    def _path(self, ref: SecretRef, identity: str) -> Path:
        name = ref.name.replace("{identity}", quote(identity, safe=""))
        relative = PurePosixPath(name)
        inside = bool(relative.parts) and not relative.is_absolute() and ".." not in relative.parts
        if not inside or "\\" in name or "\0" in name:
            raise SecretUnavailable(
                f"secret {ref} is outside the server's secrets directory{_of(identity)}",
                hint="fromFile is a path below the server's --secrets directory, without `..`",
            )
        path = self._directory / relative
        if not _stays_inside(path, self._directory):
            raise SecretUnavailable(
                f"secret {ref} is a link that leads out of the server's secrets directory",
                hint="put the file itself there",
            )
        return path


def _stays_inside(path: Path, directory: Path) -> bool:
    try:
        return path.resolve().is_relative_to(directory.resolve())
    except RuntimeError:  # a loop of links leads nowhere
        return False


def _of(identity: str) -> str:
    return f" for identity {identity!r}" if identity else ""
