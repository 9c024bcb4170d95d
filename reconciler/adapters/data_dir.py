"""The data directory of one `fwdctl serve`: who owns it, where it can be reached, its admin token."""

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from reconciler.errors import FwdctlError

LOCK_FILE: Final = "serve.lock"
ANNOUNCEMENT: Final = "serve.json"
TOKEN_FILE: Final = "admin-token"
NODE_FILE: Final = "node-id"


class DataDirectory:
    """A data directory that this process owns; the operating system gives it back when the process ends.

    Without a `lock` it is the owner's, whose part this process is.
    """

    def __init__(self, path: Path, lock: int | None = None) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> Self:
        """Return the directory, made where it isn't there, and owned until `release`.

        Raises FwdctlError where another process owns it, or where it can't be written.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FwdctlError(
                f"the data directory {path} can't be used: {error.strerror}",
                hint="name a directory that this user may write: --data DIR",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise FwdctlError(
                f"another fwdctl serve (pid {holder}) uses the data directory {path}",
                hint="stop it, or give this one its own: --data DIR",
            ) from error
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        directory = cls(path, lock)
        directory._forget()  # what a killed process left behind
        return directory

    def announce(self, facts: Mapping[str, Any]) -> None:
        """Write `facts` (URLs, pid) to serve.json for scripts; it appears whole or not at all."""
        draft = self.path / f"{ANNOUNCEMENT}.new"
        draft.write_text(json.dumps(facts, indent=2) + "\n")
        draft.replace(self.path / ANNOUNCEMENT)

    def admin_token(self, environ: Mapping[str, str]) -> str | None:
        """Return the admin API's token: FWDCTL_ADMIN_TOKEN, else the file admin-token; None where neither is.

        Raises FwdctlError where the token is empty, or where others may read the file.
        """
        token = environ.get("FWDCTL_ADMIN_TOKEN")
        if token is None:
            token = self._token_file()
        if token is not None and not token.strip():
            raise FwdctlError("the admin token is empty", hint="set FWDCTL_ADMIN_TOKEN to a long random text")
        return token.strip() if token is not None else None

    def node_id(self, new_id: Callable[[], str]) -> str:
        """Return this node's name in a shared database: made with the directory, the same after every restart."""
        file = self.path / NODE_FILE
        try:
            kept = file.read_text().strip() if file.exists() else ""
            if not kept:
                kept = new_id()
                file.write_text(f"{kept}\n")
        except OSError as error:
            raise FwdctlError(f"the node's name {file} can't be read or written: {error.strerror}") from error
        return kept

    def release(self) -> None:
        """Give the directory back, where it is this process's own."""
        if self._lock is not None:
            self._forget()
            os.close(self._lock)
            self._lock = None

    def _token_file(self) -> str | None:
        file = self.path / TOKEN_FILE
        try:
            mode = file.stat().st_mode
            if mode & 0o077:
                raise FwdctlError(f"others may read the admin token {file}", hint=f"chmod 600 {file}")
            return file.read_text()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FwdctlError(f"the admin token {file} can't be read: {error.strerror}") from error

    def _forget(self) -> None:
        (self.path / ANNOUNCEMENT).unlink(missing_ok=True)
