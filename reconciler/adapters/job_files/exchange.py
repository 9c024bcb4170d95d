"""The exchange: the HTTP application that stations fetch from and upload to; it knows nothing but its jobs' URLs.

GET, HEAD  /f/<token>/<name>     the file, ranges too
PUT, POST  /u/<token>[/<name>]   the body, or the first file of a form
"""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import structlog
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from reconciler.adapters.job_files.desk import FileDesk, Leaving
from reconciler.adapters.job_files.uploads import TooLarge, file_name
from reconciler.errors import FwdctlError

_log = structlog.get_logger(__name__)
_FILE_NAME: Final = re.compile(r'filename="?([^";]+)')
UNKNOWN: Final = "no job has this URL (any more)\n"


def build_exchange(desk: FileDesk) -> Starlette:
    """Return the application."""

    async def fetch(request: Request) -> Response:
        job = desk.fetching(request.path_params["token"], request.path_params["name"])
        if job is None:
            return PlainTextResponse(UNKNOWN, 404)
        path = desk.shelf.path(job.name)
        if not path.is_file():
            return PlainTextResponse("the file was taken away\n", 410)
        return _Counted(path, job.fetched)

    async def leave(request: Request) -> Response:
        job = desk.leaving(request.path_params["token"])
        if job is None:
            return PlainTextResponse(UNKNOWN, 404)
        try:
            kept = await _kept(desk, job, request)
        except TooLarge:
            return PlainTextResponse("the file is too large\n", 413)
        except ClientDisconnect:
            return PlainTextResponse("it broke off\n", 400)
        except FwdctlError as error:
            _log.error("upload lost", charger=job.charger, reason=error.summary)
            return PlainTextResponse("it can't be kept\n", 507)
        if kept:
            return PlainTextResponse("thank you\n", 201)
        return PlainTextResponse("there was no file in it\n", 400)

    return Starlette(
        routes=[
            Route("/f/{token}/{name}", fetch, methods=["GET", "HEAD"]),
            Route("/u/{token}", leave, methods=["PUT", "POST"]),
            Route("/u/{token}/{name:path}", leave, methods=["PUT", "POST"]),
        ]
    )


class _Counted(FileResponse):
    """A file, and `fetched` told once its last byte was sent: with the whole file, or with the end of a range."""

    def __init__(self, path: Any, fetched: Callable[[], None]) -> None:
        super().__init__(path, media_type="application/octet-stream")
        self._fetched = fetched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        last = False

        async def watched(message: Message) -> None:
            nonlocal last
            await send(message)
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                covered = headers.get(b"content-range", b"").removeprefix(b"bytes ")
                last = message["status"] == 200 or _reaches_end(covered.decode("latin-1"))
            elif last and not message.get("more_body") and scope["method"] == "GET":
                self._fetched()

        await super().__call__(scope, receive, watched)


def _reaches_end(content_range: str) -> bool:
    """Tell whether "0-99/100" reaches the end of the file."""
    span, _, size = content_range.partition("/")
    end = span.rpartition("-")[2]
    return end.isdigit() and size.isdigit() and int(end) + 1 == int(size)


async def _kept(desk: FileDesk, job: Leaving, request: Request) -> bool:
    """Keep what a request brings, and tell the job; False where it brings no file."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    name = request.path_params.get("name", "") or _named(request.headers.get("content-disposition", ""))
    if kind == b"multipart/form-data" and b"boundary" in options:
        form: _FirstFile | None = _FirstFile(options[b"boundary"], request.stream())
    else:
        form = None
    chunks = request.stream() if form is None else form.chunks()
    rest = _nonempty(chunks)
    first = await anext(rest, None)
    if first is None:
        return False
    named = form.name if form is not None and form.name else name
    upload = await desk.kept.keep(job.charger, file_name(named), _with(first, rest))
    job.received(upload)
    return True


def _named(disposition: str) -> str:
    found = _FILE_NAME.search(disposition)
    return found[1] if found else ""


async def _nonempty(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if chunk:
            yield chunk


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


class _FirstFile:
    """The first file of a form, as it comes in."""

    def __init__(self, boundary: bytes, body: AsyncIterator[bytes]) -> None:
        self.name = ""
        self._body = body
        self._found: list[bytes] = []
        self._header = self._value = b""
        self._in_file = self._past = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._field,
                "on_header_value": self._value_part,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes."""
        async for chunk in self._body:
            self._parser.write(chunk)
            found, self._found = self._found, []
            for part in found:
                yield part

    def _begin(self) -> None:
        self._in_file = False

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _value_part(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition" and not self._past:
            name = _named(self._value.decode(errors="replace"))
            self._in_file, self.name = bool(name), name or self.name
        self._header = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._found.append(data[start:end])

    def _end(self) -> None:
        self._past |= self._in_file
        self._in_file = False
