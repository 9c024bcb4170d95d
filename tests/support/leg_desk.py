"""A leg desk for tests: real encryption, and a store in memory that can be away."""

from collections.abc import Callable, Sequence

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.adapters.key_ring import KeyRing
from reconciler.adapters.websocket import WebSocketDialer, WebSocketLimits
from reconciler.app.leg_book import LegBook
from reconciler.app.leg_desk import LegDesk
from reconciler.app.leg_dialer import LegDialer
from reconciler.app.leg_reports import LegReports
from reconciler.app.ports import Clock, Log, Metrics, Secrets
from reconciler.app.sealing import SealedLeg
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError
from reconciler.model.history import HistoryEvent

KEY = bytes(range(32))


class LegRows:
    """Implements `LegStore`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], SealedLeg] = {}
        self.away = False

    async def put_sealed_legs(self, legs: Sequence[SealedLeg]) -> None:
        """Write these."""
        if self.away:
            raise FwdctlError("the store is away")
        self.rows |= {(leg.charger, leg.backend): leg for leg in legs}

    async def sealed_leg(self, charger: str, backend: str) -> SealedLeg | None:
        """Return one."""
        if self.away:
            raise FwdctlError("the store is away")
        return self.rows.get((charger, backend))

    async def sealed_legs(self) -> tuple[SealedLeg, ...]:
        """Return all."""
        return tuple(self.rows[name] for name in sorted(self.rows))


async def leg_desk(
    rows: LegRows,
    secrets: Secrets,
    clock: Clock,
    metrics: Metrics,
    log: Log,
    record: Callable[[HistoryEvent], None],
    limits: WebSocketLimits | None = None,
) -> tuple[LegDesk, LegDialer]:
    """Return a desk over what `rows` holds, and the dialer that goes with it."""
    book = LegBook(rows, KeyRing([KEY]), secrets, log)
    await book.load()
    reports = LegReports(record, clock, metrics, log)

    def report(what: str, error: BaseException) -> None:
        raise AssertionError(what) from error

    desk = LegDesk(book, reports, CertificateOffice(), clock, Background(report))
    return desk, LegDialer(WebSocketDialer(book, limits), book, reports)
