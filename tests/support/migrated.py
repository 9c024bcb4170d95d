"""Databases of this version, migrated once in a test process and copied from then on.

To migrate takes longer than most of the tests that need a store; `integration/store/test_store_opening.py` is about it.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.adapters.store import open_store
from reconciler.adapters.store.location import SQLITE_FILE


def migrate(url: str) -> None:
    """Bring an empty database to this version; may be called while an event loop runs."""

    async def opened() -> None:
        await (await open_store(url, Path())).close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, opened()).result()


def lay_sqlite(file: Path) -> None:
    """Put a migrated SQLite database there, unless there is one; as private as the server makes it."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as written:
            written.write(_sqlite())


@cache
def _sqlite() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, SQLITE_FILE)
        migrate(f"sqlite:///{file}")
        return file.read_bytes()
