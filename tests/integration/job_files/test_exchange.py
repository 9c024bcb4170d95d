"""The exchange, over HTTP as stations speak it: ranges, bodies and forms, URLs that die, bounds."""

import asyncio
import io
import itertools
import os
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.adapters.job_files import FileDesk, KeptUploads, Shelf, build_exchange
from reconciler.adapters.job_files.uploads import KEPT_FOR, file_name
from reconciler.app.job_files import Upload
from reconciler.errors import FwdctlError, UnknownAddress

URL = "http://files.example"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield bytes as they come in."""
    for part in parts:
        yield part


class Exchange:
    """An exchange over a directory, and a station's client."""

    def __init__(self, folder: Path) -> None:
        tokens, ids = itertools.count(1), itertools.count(1)
        self.now = datetime(2026, 12, 1, tzinfo=UTC)
        self.shelf = Shelf(folder / "firmware")
        self.kept = KeptUploads(folder / "uploads", lambda: self.now, lambda: f"id{next(ids)}", max_bytes=100)
        self.desk = FileDesk(self.shelf, self.kept, URL, lambda: f"token{next(tokens)}")
        self.fetched: list[str] = []
        self.received: list[Upload] = []
        transport = httpx.ASGITransport(build_exchange(self.desk))
        self.client = httpx.AsyncClient(transport=transport, base_url=URL)

    def serve(self, name: str = "fw.bin") -> str:
        """Serve a file to a job."""
        return self.desk.serve("job", name, lambda: self.fetched.append(name))

    def receive(self) -> str:
        """Let a job leave a file."""
        return self.desk.receive("job", "cp001", self.received.append)


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    """An exchange with one file on its shelf."""
    exchange = Exchange(tmp_path)
    await exchange.shelf.add("fw.bin", chunks(b"01234", b"56789"))
    async with exchange.client:
        yield exchange


async def test_a_file_is_fetched_whole_or_in_ranges_and_its_end_is_told(exchange: Exchange) -> None:
    url = exchange.serve()
    assert (await exchange.client.head(url)).headers["content-length"] == "10"
    begin = await exchange.client.get(url, headers={"Range": "bytes=0-4"})
    assert (begin.status_code, begin.content, exchange.fetched) == (206, b"01234", [])
    rest = await exchange.client.get(url, headers={"Range": "bytes=5-"})
    assert (rest.content, exchange.fetched) == (b"56789", ["fw.bin"])
    assert (await exchange.client.get(url)).content == b"0123456789"
    assert exchange.fetched == ["fw.bin", "fw.bin"]


async def test_a_url_is_its_jobs_and_dies_with_it(exchange: Exchange) -> None:
    url, other = exchange.serve(), exchange.receive()
    assert (await exchange.client.get(url.replace("fw.bin", "other.bin"))).status_code == 404
    assert (await exchange.client.get(f"{URL}/f/guess/fw.bin")).status_code == 404
    assert (await exchange.client.get(f"{URL}/f/{other.rsplit('/', 1)[1]}/fw.bin")).status_code == 404
    assert (await exchange.client.get(f"{URL}/f/token1/..%2F..%2Fnode-id")).status_code == 404
    exchange.desk.close("job")
    assert (await exchange.client.get(url)).status_code == 404
    assert (await exchange.client.put(other, content=b"x")).status_code == 404
    assert exchange.received == []


async def test_a_file_that_was_taken_away_is_gone(exchange: Exchange) -> None:
    url = exchange.serve()
    exchange.shelf.remove("fw.bin")
    assert (await exchange.client.get(url)).status_code == 410


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_body_is_kept_for_this_user_only(exchange: Exchange, method: str) -> None:
    answer = await exchange.client.request(method, f"{exchange.receive()}/../etc/cp 001.log", content=b"log")
    assert answer.status_code in (201, 404)  # some clients resolve "..", and then it is nobody's URL
    answer = await exchange.client.request(method, f"{exchange.receive()}/cp 001.log", content=b"log")
    assert answer.status_code == 201
    upload = exchange.received[-1]
    assert (upload.charger, upload.name, upload.size) == ("cp001", "cp-001.log", 3)
    path = exchange.kept.path(upload.id)
    assert path.read_bytes() == b"log"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_first_file_of_a_form_is_kept(exchange: Exchange) -> None:
    form = {"file": ("diag.zip", b"zipped"), "second": ("other.zip", b"no")}
    answer = await exchange.client.post(exchange.receive(), data={"comment": "hello"}, files=form)
    assert answer.status_code == 201
    assert exchange.received[0].name == "diag.zip"
    assert exchange.kept.path(exchange.received[0].id).read_bytes() == b"zipped"


async def test_what_is_empty_or_too_large_leaves_nothing(exchange: Exchange) -> None:
    url = exchange.receive()
    assert (await exchange.client.put(url, content=b"")).status_code == 400
    assert (await exchange.client.put(url, content=b"x" * 101)).status_code == 413
    assert (exchange.kept.uploads(), exchange.received) == ([], [])


async def test_a_disk_that_hangs_holds_up_nobody_and_no_more_than_a_block_is_held(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.adapters.job_files.writing.BLOCK_BYTES", 20)
    loop, written, hangs = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    asked = 0

    class Hanging(io.BytesIO):
        def write(self, block: Any) -> int:
            loop.call_soon_threadsafe(written.set)
            assert hangs.wait(10)
            return super().write(block)

    def opened(file: int, *_: object) -> io.BytesIO:
        os.close(file)
        return Hanging()

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal asked
        for _ in range(10):
            asked += 1
            yield b"x" * 8

    monkeypatch.setattr("reconciler.adapters.job_files.writing.os.fdopen", opened)
    keeping = loop.create_task(exchange.kept.keep("cp001", "log", pieces()))
    await asyncio.wait_for(written.wait(), 10)  # the loop goes on while the disk hangs
    for _ in range(10):
        await asyncio.sleep(0)
    assert (asked, keeping.done()) == (3, False)
    monkeypatch.undo()
    hangs.set()
    assert (await keeping).size == 80


async def test_an_upload_that_breaks_off_while_it_is_written_leaves_nothing(exchange: Exchange, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        begun.set()
        await asyncio.Event().wait()

    keeping = asyncio.get_running_loop().create_task(exchange.kept.keep("cp001", "log", endless()))
    await begun.wait()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert exchange.kept.uploads() == []
    assert list((tmp_path / "uploads").iterdir()) == []


async def test_what_is_old_goes_and_the_newest_stays(exchange: Exchange) -> None:
    for number in range(3):
        await exchange.client.put(exchange.receive(), content=b"log")
        exchange.now += KEPT_FOR / 2 + timedelta(seconds=number)
    assert [one.id for one in exchange.kept.uploads()] == ["id3", "id2"]
    with pytest.raises(UnknownAddress):
        exchange.kept.upload("id1")
    with pytest.raises(UnknownAddress):
        exchange.kept.upload("../fw")


async def test_the_shelf_knows_its_files_also_those_put_there_by_hand(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "firmware" / "by-hand.bin").write_bytes(b"abc")
    first, second = exchange.shelf.files()
    assert (first.name, first.size) == ("by-hand.bin", 3)
    assert first.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    signed = await exchange.shelf.add("fw.bin", chunks(b"new"), signature="s", certificate="c")
    assert (signed.signature, exchange.shelf.file("fw.bin").certificate) == ("s", "c")
    assert second.sha256 != signed.sha256
    for name in ("../x", "", ".hidden", "a/b"):
        with pytest.raises(FwdctlError):
            await exchange.shelf.add(name, chunks(b"x"))
    with pytest.raises(FwdctlError, match="empty"):
        await exchange.shelf.add("none.bin", chunks())
    assert len(exchange.shelf.files()) == 2


@pytest.mark.parametrize(
    ("given", "kept"), [("a/b\\c.log", "c.log"), ("..", "log"), ("", "log"), ("x y\n.log", "x-y-.log")]
)
def test_names_of_stations_are_made_safe(given: str, kept: str) -> None:
    assert file_name(given) == kept
