"""Files of operations: what stations fetch from this server and leave with it, each under a URL of its own job.

shelf (DIR/firmware) ── serve(job, file) ──> URL that nobody can guess, gone with the job ──> station
station ── receive(job) URL ──> uploads (DIR/uploads), offered for download
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec


class FirmwareFile(msgspec.Struct, frozen=True):
    """A file that stations can be told to fetch; `signature` and `certificate` as OCPP wants them, "" for none."""

    name: str
    size: int
    sha256: str
    added_at: datetime
    signature: str = ""
    certificate: str = ""


class Upload(msgspec.Struct, frozen=True):
    """A file that a station left here."""

    id: str
    charger: str
    name: str
    size: int
    sha256: str
    received_at: datetime


class FirmwareShelf(Protocol):
    """Where firmware is kept."""

    def files(self) -> Sequence[FirmwareFile]:
        """Return every file, by name."""

    def file(self, name: str) -> FirmwareFile:
        """Return one; raises UnknownAddress."""

    async def add(
        self, name: str, chunks: AsyncIterator[bytes], *, signature: str = "", certificate: str = ""
    ) -> FirmwareFile:
        """Keep a file under a name of letters, digits and "._-"; one of the same name is replaced once it is whole."""

    def remove(self, name: str) -> FirmwareFile:
        """Take a file away and return what it was; raises UnknownAddress."""

    def path(self, name: str) -> Path:
        """Return where a file is."""


class Uploads(Protocol):
    """Where stations' uploads are kept."""

    def uploads(self) -> Sequence[Upload]:
        """Return every upload that is still kept, newest first."""

    def upload(self, upload_id: str) -> Upload:
        """Return one; raises UnknownAddress."""

    def path(self, upload_id: str) -> Path:
        """Return where its bytes are; raises UnknownAddress."""


class JobFiles(Protocol):
    """Hands files out to stations, and takes theirs."""

    @property
    def shelf(self) -> FirmwareShelf:
        """Return where firmware is kept."""

    @property
    def kept(self) -> Uploads:
        """Return where uploads are kept."""

    @property
    def is_open(self) -> bool:
        """Return True where stations can reach this server for files."""

    def serve(self, job: str, name: str, fetched: Callable[[], None]) -> str:
        """Return the URL at which a file can be fetched until `close`; `fetched` hears when it was, whole."""

    def receive(self, job: str, charger: str, received: Callable[[Upload], None]) -> str:
        """Return the URL to which a station may upload until `close`; `received` hears of each upload."""

    def close(self, job: str) -> None:
        """Let the job's URLs die; harmless where it has none."""
