"""Writing files as they come in: in threads of their own, a block at a time, so that no frame waits for a disk."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

Result = TypeVar("Result")

BLOCK_BYTES: Final = 256 * 1024
"""What is held of a file before it is written, beside what the HTTP server holds of its connection."""
_THREADS: Final = ThreadPoolExecutor(2, "files")
"""Of their own: a slow disk must not keep from work what else is done in threads, plans and passwords."""


async def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Return what `work` returns, done in one of the threads for files."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(work, *arguments))


async def write_down(path: Path, flags: int, chunks: AsyncIterator[bytes]) -> tuple[int, str]:
    """Write what `chunks` yields into a file of this user's only; return its size and SHA-256. Raises OSError.

    `flags` say beside O_WRONLY | O_CREAT how it is opened. The next chunk is asked for once the last block is written.
    """
    size, digest = 0, hashlib.sha256()
    opened = await in_thread(os.open, path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    file = os.fdopen(opened, "wb", BLOCK_BYTES)  # its lock keeps a close from a write that was left alone

    def write(block: bytes) -> None:
        digest.update(block)
        file.write(block)

    try:
        async for block in _blocks(chunks):
            size += len(block)
            await in_thread(write, block)
    finally:
        await in_thread(file.close)
    return size, digest.hexdigest()


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held, size = list[bytes](), 0
    async for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
