"""The shelf of firmware: a directory with a file each, and a note of its checksum and signature beside it.

A file may also be put there by hand; its checksum is then taken when it is first looked at.
"""

import hashlib
import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from reconciler.adapters.job_files.writing import write_down
from reconciler.app.job_files import FirmwareFile
from reconciler.errors import FwdctlError, UnknownAddress

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
_NOTE: Final = ".note.json"
_DRAFT: Final = ".draft"


class Shelf:
    """Implements `FirmwareShelf` in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def files(self) -> Sequence[FirmwareFile]:
        """See FirmwareShelf."""
        if not self._directory.is_dir():
            return ()
        names = sorted(path.name for path in self._directory.iterdir() if path.is_file())
        return tuple(self.file(name) for name in names if _is_firmware(name))

    def file(self, name: str) -> FirmwareFile:
        """See FirmwareShelf."""
        path = self.path(name)
        if not path.is_file():
            raise UnknownAddress(f"there is no firmware {name}", hint="fwdctl firmware list; add it: firmware add FILE")
        found, note = path.stat(), self._note(name)
        if note.get("size") != found.st_size or note.get("mtime_ns") != found.st_mtime_ns:
            with path.open("rb") as opened:
                note = {"sha256": hashlib.file_digest(opened, "sha256").hexdigest()}
            self._write_note(name, note)
        return FirmwareFile(
            name,
            found.st_size,
            str(note["sha256"]),
            datetime.fromtimestamp(found.st_mtime, UTC),
            str(note.get("signature", "")),
            str(note.get("certificate", "")),
        )

    def path(self, name: str) -> Path:
        """Return where a file is, or would be; raises FwdctlError for a name that is none."""
        if not _is_firmware(name):
            hint = "letters, digits, '.', '_', '+' and '-'; it begins with a letter or digit"
            raise FwdctlError(f"{name!r} is no name for a firmware file", hint=hint)
        return self._directory / name

    async def add(
        self, name: str, chunks: AsyncIterator[bytes], *, signature: str = "", certificate: str = ""
    ) -> FirmwareFile:
        """See FirmwareShelf."""
        path = self.path(name)
        draft = path.with_name(f"{name}{_DRAFT}")
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            size, digest = await write_down(draft, os.O_TRUNC, chunks)
            if not size:
                raise FwdctlError(f"{name} is empty", hint="is it the right file?")
            draft.replace(path)
        except OSError as error:
            raise FwdctlError(f"{name} can't be kept: {error.strerror}", hint=f"look at {self._directory}") from error
        finally:
            draft.unlink(missing_ok=True)
        note = {"sha256": digest, "signature": signature, "certificate": certificate}
        self._write_note(name, note)
        return self.file(name)

    def remove(self, name: str) -> FirmwareFile:
        """See FirmwareShelf."""
        gone = self.file(name)
        self.path(name).unlink(missing_ok=True)
        self._note_path(name).unlink(missing_ok=True)
        return replace(gone)

    def _note_path(self, name: str) -> Path:
        return self._directory / f"{name}{_NOTE}"

    def _note(self, name: str) -> dict[str, Any]:
        try:
            read = json.loads(self._note_path(name).read_text())
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    def _write_note(self, name: str, note: dict[str, Any]) -> None:
        """Write what is known of a file as it now is; one that can't be written costs a checksum next time."""
        found = self.path(name).stat()
        note |= {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
        try:
            self._note_path(name).write_text(json.dumps(note))
        except OSError:
            return


def _is_firmware(name: str) -> bool:
    return NAME.fullmatch(name) is not None and not name.endswith((_NOTE, _DRAFT))
