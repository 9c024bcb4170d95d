"""Opens the door at which stations fetch firmware and leave their logs; apart from the admin API, in their network."""

import secrets
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final

from reconciler.adapters.job_files import FileDesk, KeptUploads, Shelf, build_exchange
from reconciler.cli.late_server import LateServer
from reconciler.cli.settings import Bind, ServeSettings
from reconciler.cli.workers.place import Place
from reconciler.errors import FwdctlError

TOKEN_BYTES: Final = 24


def open_file_exchange(
    settings: ServeSettings, now: Callable[[], datetime], stack: AsyncExitStack, place: Place | None = None
) -> tuple[FileDesk, LateServer | None]:
    """Return the desk, and the server to be run; None where stations are to reach no files, or another process's.

    Raises FwdctlError for an address that can't be had.
    """
    shelf = Shelf(settings.data / "firmware")
    kept = KeptUploads(settings.data / "uploads", now, lambda: secrets.token_hex(8))
    if settings.files is None:
        return FileDesk(shelf, kept, "", _new_token), None
    bind, tls = Bind.parse(settings.files), settings.files_tls
    if place is not None and not place.is_front:
        return FileDesk(shelf, kept, settings.files_url.rstrip("/"), _new_token), None
    listening = stack.enter_context(place.doors["files"] if place is not None else listen_for_files(bind))
    url = settings.files_url or bind.url("https" if tls else "http", listening.getsockname()[1])
    desk = FileDesk(shelf, kept, url.rstrip("/"), _new_token)
    return desk, LateServer(lambda: build_exchange(desk), listening, tls)


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def listen_for_files(bind: Bind) -> socket.socket:
    """Return a socket that listens there. Raises FwdctlError."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        return socket.create_server((bind.host, bind.port), family=family)
    except OSError as error:
        raise FwdctlError(
            f"files can't be offered on {bind.host}:{bind.port}: {error.strerror}",
            hint="another process has it, or the address is not of this machine: --files HOST:PORT",
        ) from error
