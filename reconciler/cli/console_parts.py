"""The console's part of the composition: what it is given, and the work behind its pages that runs besides."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.app.admin_access import AdminAccess
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.job_files import JobFiles
from reconciler.app.message_counts import MessageCounts
from reconciler.app.node import RelayNode
from reconciler.app.operations import Operations
from reconciler.app.ports import Clock
from reconciler.app.reconciler import Reconciler
from reconciler.cli.nodes import JoinedNode


def open_console(
    reconciler: Reconciler,
    runs: ApplyRuns,
    board: FleetBoard,
    node: RelayNode,
    joined: JoinedNode | None,
    operations: Operations,
    files: JobFiles,
    clock: Clock,
    access: AdminAccess,
    vital: Callable[[Coroutine[Any, Any, None], str], object],
) -> ASGIApp:
    """Return the console; `vital` is given the work that has to go on for as long as it is open, and its name.

    It is put together when it is first visited: most servers start to be asked by a pipeline.
    """
    counts = MessageCounts(node, lambda: reconciler.controller.desired, clock)
    if joined is not None:
        counts.follow(joined.mirror, joined.agent.start)
    tap = node.messages if joined is None else joined.tap
    vital(counts.run(), "message counts")

    def build() -> ASGIApp:
        from reconciler.adapters.console.application import ConsoleParts, build_console
        from reconciler.cli.console_door import ConsoleDoor

        door = ConsoleDoor(access)
        return build_console(ConsoleParts(reconciler, runs, board, tap, counts, operations, files, clock, door))

    return BuiltLater(build)


class BuiltLater:
    """ASGI: an application that is put together for its first request, in a thread, so that frames pass meanwhile."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._built: ASGIApp | None = None
        self._one_builds = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application."""
        await (self._built or await self._first())(scope, receive, send)

    async def _first(self) -> ASGIApp:
        async with self._one_builds:
            if self._built is None:
                self._built = await asyncio.to_thread(self._build)
            return self._built
