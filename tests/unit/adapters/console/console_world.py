"""The console over a world without sockets, and a browser without eyes: an HTTP client that keeps cookies."""

import itertools
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from reconciler.adapters.console.application import ConsoleParts, build_console
from reconciler.adapters.console.visitor import Visitor
from reconciler.adapters.job_files import FileDesk, KeptUploads, Shelf
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.message_counts import MessageCounts
from reconciler.app.message_tap import MessageTap
from reconciler.app.passed import Passed
from reconciler.app.station_session import Totals
from reconciler.app.tasks import Background
from reconciler.model.access import Access
from tests.support.operations import QuietStations
from tests.support.specs import World


class NoMetrics:
    """Counts nothing."""

    def count(self, name: str, **labels: str) -> None:
        """Count nothing."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set nothing."""


class NoSessions:
    """A node without any session; `totals` may be set."""

    def __init__(self) -> None:
        self.totals = Totals()

    def passed(self, charger: str) -> Passed:
        """Return nothing."""
        return {}


@dataclass
class Seat:
    """Somebody in front of the console; `access` and `name` may be changed between requests."""

    world: World
    access: Access = Access.ADMIN
    name: str = ""
    select: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the browser."""
        world = self.world
        numbers = itertools.count(1)
        runs = ApplyRuns(world.reconciler, Background(print), print, NoMetrics(), lambda: f"run-{next(numbers)}")
        self.runs = runs
        board = FleetBoard(world.reconciler.status, world.clock)
        operations = world.reconciler.operations(
            world.store, QuietStations(), Background(print), lambda: "op-1", NoMetrics(), holder="here"
        )
        folder = Path(tempfile.mkdtemp())
        kept = KeptUploads(folder / "uploads", world.clock.now, lambda: "upload-1", max_bytes=1000)
        files = FileDesk(Shelf(folder / "firmware"), kept, "", lambda: "token")
        tap = MessageTap({}, world.clock)
        self.slots = NoSessions()
        counts = MessageCounts(self.slots, lambda: world.reconciler.controller.desired, world.clock)
        parts = ConsoleParts(world.reconciler, runs, board, tap, counts, operations, files, world.clock, self)
        console = build_console(parts)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            board.stir()
            await console(scope, receive, send)

        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9180")

    def visitor(self, request: Request) -> Visitor:
        """Return who sits here."""
        return Visitor(self.access, self.name, select=self.select)

    def acting(self, claim: str) -> str:
        """Return whom history names."""
        return self.name or claim

    async def enter(self, request: Request, token: str) -> str | None:
        """Let in whoever knows the word."""
        return "fwdctl=session; Path=/" if token == "sesame" else None

    def leave(self, request: Request) -> str:
        """Let out."""
        return "fwdctl=; Path=/; Max-Age=0"

    async def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.http.get(path)

    async def send(self, form_at: str, to: str, /, **fields: str) -> httpx.Response:
        """Fill in the form of a page and send it."""
        proof = re.search(r'name="proof" value="(\w+)"', (await self.get(form_at)).text)
        assert proof is not None
        return await self.http.post(to, data={"proof": proof[1], **fields})
