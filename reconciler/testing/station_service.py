"""What a simulated station does on a service visit: fetch firmware and install it, upload its log; over real HTTP."""

import ssl as tls
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from reconciler.testing.station import SimulatedStation

Report = Callable[[str], Awaitable[object]]
"""Sends the status notification of the job at hand."""

_VERSION: Final = b"firmware-version: "
_TIMEOUT_S: Final = 30.0


async def install(station: "SimulatedStation", location: str, report: Report) -> None:
    """Fetch the file at `location` and run it from then on; a location that is not HTTP is taken for installed.

    A file that says "firmware-version: 2.0.0" in its first line makes that the station's version, any other its name.
    """
    if not _is_http(location):
        await report("Installed")
        return
    await report("Downloading")
    try:
        async with _client(station) as client:
            answer = (await client.get(location)).raise_for_status()
    except httpx.HTTPError:
        await report("DownloadFailed")
        return
    await report("Downloaded")
    await report("Installing")
    station.memory.firmware = _version_of(answer.content) or urlsplit(location).path.rsplit("/", 1)[-1]
    await report("Installed")


async def upload(station: "SimulatedStation", location: str, report: Report, failed: str) -> None:
    """Put the station's log to `location`; a location that is not HTTP is taken for uploaded."""
    if not _is_http(location):
        await report("Uploaded")
        return
    await report("Uploading")
    log = "".join(f"{call.action} {call.message_id}\n" for call in station.commands)
    try:
        async with _client(station) as client:
            url = f"{location}/{station.memory.serial}.log"
            (await client.put(url, content=f"{station.identity}\n{log}".encode())).raise_for_status()
    except httpx.HTTPError:
        await report(failed)
        return
    await report("Uploaded")


def _client(station: "SimulatedStation") -> httpx.AsyncClient:
    trusted: tls.SSLContext | bool = station.files_ssl or True
    return httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, verify=trusted)


def _is_http(location: str) -> bool:
    return urlsplit(location).scheme in ("http", "https")


def _version_of(content: bytes) -> str:
    first = content.split(b"\n", 1)[0]
    return first.removeprefix(_VERSION).decode(errors="replace").strip() if first.startswith(_VERSION) else ""
