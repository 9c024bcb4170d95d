"""Server-sent events: one stream a page, which says nothing while nothing changes, and never more than the newest."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

from starlette.responses import StreamingResponse

from reconciler.app.fleet_board import FleetBoard, Picture
from reconciler.errors import FwdctlError

STREAMS_MAX: Final = 300
"""Pages that are live at once; more still work, and have to be loaded again by hand."""
QUIET_S: Final = 20.0
"""A sign of life so often, lest something between here and the browser give the stream up."""

STILL_HERE: Final = ": still here\n\n"

Fragments = Mapping[str, str]
"""Name of an event -> the HTML that goes where the page shows it."""


class Streams:
    """Counts the streams that are open, and makes more while there may be."""

    def __init__(self, board: FleetBoard) -> None:
        self._board = board
        self._open = 0

    def follow(self, render: Callable[[Picture], Awaitable[Fragments]]) -> StreamingResponse:
        """Return the stream of a page: for every new picture of the fleet, those fragments that differ from the last.

        A slow reader gets fewer pictures; there is nothing to queue.
        """
        return self.answer(self._changes(render))

    def answer(self, events: AsyncIterator[str]) -> StreamingResponse:
        """Return a stream of `events`; raises FwdctlError where too many are open."""
        if self._open >= STREAMS_MAX:
            raise FwdctlError(
                f"{STREAMS_MAX} pages are live already", hint="this page works, load it again to see what changed"
            )
        return StreamingResponse(self._counted(events), media_type="text/event-stream")

    async def _counted(self, events: AsyncIterator[str]) -> AsyncIterator[str]:
        self._open += 1
        try:
            yield "retry: 2000\n\n"
            async for event in events:
                yield event
        finally:
            self._open -= 1

    async def _changes(self, render: Callable[[Picture], Awaitable[Fragments]]) -> AsyncIterator[str]:
        seen, told = 0, dict[str, str]()
        while not self._board.closed:
            picture = await self._board.next(seen, QUIET_S)
            if picture is None:
                yield STILL_HERE
                continue
            seen = picture.number
            for name, html in (await render(picture)).items():
                if told.get(name) != html:
                    told[name] = html
                    yield event(name, html)


def event(name: str, html: str) -> str:
    """Return one event as the wire has it; a line break in `html` is one in what arrives."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
