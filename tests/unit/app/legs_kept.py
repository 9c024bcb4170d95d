"""A desk and a dialer over fakes of everything around them."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.adapters.key_ring import KeyRing
from reconciler.app.leg_book import LegBook
from reconciler.app.leg_desk import LegDesk, LegOrder
from reconciler.app.leg_dialer import LegDialer
from reconciler.app.leg_reports import LegReports
from reconciler.app.legs import DialRequest
from reconciler.app.tasks import Background
from reconciler.as_charger.settings import LegSettings
from reconciler.model.desired import DesiredLeg, SecretRef, Security
from reconciler.model.history import HistoryEvent
from tests.support.clock import FakeClock
from tests.support.fake_legs import FakeDialer, FakeLeg
from tests.support.leg_desk import KEY, LegRows
from tests.support.relay import PASSIVE, KnownSecrets, Tally, backend

PARTNER = backend("partner", "ws://csms/ocpp", security=Security(profile=1, password=SecretRef("env", "P")))


class Noted(Background):
    """Knows what it has begun."""

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> "asyncio.Task[Any]":
        """Begin."""
        task = super().start(work, name=name)
        self.begun = [*getattr(self, "begun", []), task]
        return task


@dataclass
class Kept:
    """Everything about kept legs, and what came of it."""

    rows: LegRows = field(default_factory=LegRows)
    secrets: dict[str, bytes] = field(default_factory=lambda: {"P": b"the declared one"})

    def __post_init__(self) -> None:
        self.tally, self.dialer, self.answers = Tally(), FakeDialer(), []
        self.events: list[HistoryEvent] = []
        self.redials = 0
        self.calls: list[tuple[str, bytes]] = []
        self.partner = PARTNER
        self.changes: list[LegSettings] = []
        self.book = LegBook(self.rows, KeyRing([KEY]), KnownSecrets(self.secrets), self.tally.log)
        reports = LegReports(self.events.append, FakeClock(), self.tally, self.tally.log)
        self.background = Noted(lambda what, error: self.answers.append(error))
        self.desk = LegDesk(self.book, reports, CertificateOffice(), FakeClock(), self.background)
        self.front = LegDialer(self.dialer, self.book, reports)

    def redial(self) -> None:
        """Count a redial."""
        self.redials += 1

    def with_clock(self, clock: FakeClock) -> LegDesk:
        """Return another desk over the same book."""
        reports = LegReports(self.events.append, clock, self.tally, self.tally.log)
        return LegDesk(self.book, reports, CertificateOffice(), clock, self.background)

    def made(
        self, action: str, payload: bytes, version: str, answer: Callable[[bytes | None], None] | None = None
    ) -> LegOrder:
        """Return an order of the partner's on its leg to cp1."""

        def call(called: str, sent: bytes) -> None:
            self.calls.append((called, sent))

        heard = answer or self.answers.append, self.redial, call, self.changes.append
        return LegOrder("cp1", "CP1", "SN-1", self.partner, version, action, payload, *heard)

    async def order(self, payload: str, action: str = "ChangeConfiguration", version: str = "ocpp1.6") -> object:
        """Have the partner order something on its leg to cp1 and return the answer."""
        before = len(self.answers)
        self.desk.take(self.made(action, payload.encode(), version))
        await self.done()
        assert len(self.answers) == before + 1
        return self.answers[-1]

    async def done(self) -> None:
        """Let everything that was begun come to its end."""
        await asyncio.gather(*getattr(self.background, "begun", []))

    async def dial(self, **leg: object) -> FakeLeg:
        """Dial the leg; raises DialFailed."""
        request = DialRequest("CP1", DesiredLeg(self.partner, PASSIVE, **leg), "ocpp1.6", charger="cp1")  # type: ignore[arg-type]
        return await self.front.dial(request, None)  # type: ignore[arg-type,return-value]
