"""Stations' uploads: a file each in one directory, readable by this user only, the oldest gone past the bounds."""

import json
import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from reconciler.adapters.job_files.writing import in_thread, write_down
from reconciler.app.job_files import Upload
from reconciler.errors import FwdctlError, UnknownAddress

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of one upload; the rest is refused."""
KEPT_BYTES: Final = 4 * 1024 * 1024 * 1024
KEPT_FILES: Final = 1000
KEPT_FOR: Final = timedelta(days=30)
_NOTE: Final = ".json"
_ODD: Final = re.compile(r"[^A-Za-z0-9._+-]+")


class TooLarge(Exception):
    """Raised for an upload past `MAX_BYTES`; nothing of it is kept."""


class KeptUploads:
    """Implements `Uploads` in a directory; `new_id` gives texts of hexadecimal digits."""

    def __init__(
        self, directory: Path, now: Callable[[], datetime], new_id: Callable[[], str], max_bytes: int = MAX_BYTES
    ) -> None:
        self._directory = directory
        self._now = now
        self._new_id = new_id
        self._max_bytes = max_bytes

    def uploads(self) -> Sequence[Upload]:
        """See Uploads."""
        if not self._directory.is_dir():
            return ()
        found = [self._read(note) for note in self._directory.glob(f"*{_NOTE}")]
        return sorted((one for one in found if one is not None), key=lambda one: one.received_at, reverse=True)

    def upload(self, upload_id: str) -> Upload:
        """See Uploads."""
        found = self._read(self._directory / f"{upload_id}{_NOTE}") if upload_id.isalnum() else None
        if found is None:
            raise UnknownAddress(f"there is no upload {upload_id} (any more)", hint="fwdctl upload list")
        return found

    def path(self, upload_id: str) -> Path:
        """Return where an upload's bytes are; raises UnknownAddress."""
        return self._directory / self.upload(upload_id).id

    async def keep(self, charger: str, name: str, chunks: AsyncIterator[bytes]) -> Upload:
        """Keep a station's upload and return it; raises TooLarge, and FwdctlError where it can't be written."""
        upload_id = self._new_id()
        path = self._directory / upload_id
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            size, digest = await write_down(path, os.O_EXCL, self._bounded(chunks))
            kept = Upload(upload_id, charger, file_name(name), size, digest, self._now())
            await in_thread(self._write, kept)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise FwdctlError(f"an upload of {charger} can't be kept: {error.strerror}") from error
            raise
        await in_thread(self.forget_old)
        return kept

    async def _bounded(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self._max_bytes:
                raise TooLarge
            yield chunk

    def forget_old(self) -> None:
        """Delete what is past the bounds, oldest first; the newest stays in any case."""
        size = 0
        for number, kept in enumerate(self.uploads()):
            size += kept.size
            old = self._now() - kept.received_at > KEPT_FOR
            if number and (old or number >= KEPT_FILES or size > KEPT_BYTES):
                (self._directory / kept.id).unlink(missing_ok=True)
                (self._directory / f"{kept.id}{_NOTE}").unlink(missing_ok=True)

    def _write(self, kept: Upload) -> None:
        note = {
            "charger": kept.charger,
            "name": kept.name,
            "size": kept.size,
            "sha256": kept.sha256,
            "received_at": kept.received_at.isoformat(),
        }
        file = os.open(self._directory / f"{kept.id}{_NOTE}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w") as opened:
            json.dump(note, opened)

    def _read(self, note: Path) -> Upload | None:
        try:
            read: dict[str, Any] = json.loads(note.read_text())
            at = datetime.fromisoformat(read["received_at"])
            return Upload(
                note.name.removesuffix(_NOTE), read["charger"], read["name"], read["size"], read["sha256"], at
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def file_name(name: str) -> str:
    """Return a station's name for its file as it may be shown and saved: no path, nothing odd, never empty."""
    return _ODD.sub("-", name.replace("\\", "/").rsplit("/", 1)[-1]).strip("-.")[:100] or "log"
