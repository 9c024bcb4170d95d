"""Opens the door at which stations fetch firmware and leave their logs; apart from the admin API, in their network."""

import secrets
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final

from reconciler.adapters.admin_api.server import AdminServer
from reconciler.adapters.job_files import FileDesk, KeptUploads, Shelf, build_exchange
from reconciler.cli.settings import Bind, ServeSettings
from reconciler.errors import FwdctlError

TOKEN_BYTES: Final = 24


def open_file_exchange(
    settings: ServeSettings, now: Callable[[], datetime], stack: AsyncExitStack
) -> tuple[FileDesk, AdminServer | None]:
    """Return the desk, and the server to be run; None where stations are to reach no files.

    Raises FwdctlError for an address that can't be had.
    """
    shelf = Shelf(settings.data / "firmware")
    kept = KeptUploads(settings.data / "uploads", now, lambda: secrets.token_hex(8))
    if settings.files is None:
        return FileDesk(shelf, kept, "", _new_token), None
    bind, tls = Bind.parse(settings.files), settings.files_tls
    listening = stack.enter_context(_listen(bind))
    url = settings.files_url or bind.url("https" if tls else "http", listening.getsockname()[1])
    desk = FileDesk(shelf, kept, url.rstrip("/"), _new_token)
    return desk, AdminServer(build_exchange(desk), listening, tls)


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _listen(bind: Bind) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        return socket.create_server((bind.host, bind.port), family=family)
    except OSError as error:
        raise FwdctlError(
            f"files can't be offered on {bind.host}:{bind.port}: {error.strerror}",
            hint="another process has it, or the address is not of this machine: --files HOST:PORT",
        ) from error
