"""The parts that look after legs: who carries out what back-ends order, who dials, who has certificates signed."""

import os
from collections.abc import Callable
from contextlib import AsyncExitStack

import msgspec

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.key_ring import KeyRing, load_key_ring
from reconciler.adapters.logs import EventLog
from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.store import SqlStore
from reconciler.adapters.websocket import WebSocketDialer
from reconciler.app.leg_book import LegBook
from reconciler.app.leg_desk import LegDesk
from reconciler.app.leg_dialer import LegDialer
from reconciler.app.leg_reports import LegReports
from reconciler.app.node import RelayNode
from reconciler.app.order_entry import sign_anew
from reconciler.app.ports import Secrets
from reconciler.app.tasks import Background, Report
from reconciler.cli.settings import ServeSettings
from reconciler.model.history import HistoryEvent


class LegParts(msgspec.Struct, frozen=True):
    """What a node needs for its legs; `keys` is None where this server has no encryption key."""

    desk: LegDesk
    dialer: LegDialer
    keys: KeyRing | None

    async def have_certificates_signed(self, node: RelayNode) -> None:
        """Have back-ends renew the certificates that they have signed, for ever."""

        def sign(charger: str, backend: str) -> bool:
            slot = node.slot(charger)
            return sign_anew(self.desk, None if slot is None else slot.session, backend)

        await self.desk.signings.run(sign)


async def leg_parts(
    settings: ServeSettings,
    store: SqlStore,
    secrets: Secrets,
    clock: SystemClock,
    metrics: PrometheusMetrics,
    record: Callable[[HistoryEvent], None],
    report: Report,
    stack: AsyncExitStack,
) -> LegParts:
    """Return the parts once what is stored of legs is read; raises Unsealable where it can't be."""
    log = EventLog(clock.monotonic_s)
    keys = load_key_ring(settings.encryption_key_file, os.environ, settings.data, shared_store=store.shared)
    book = LegBook(store, keys, secrets, log, shared=store.shared)
    await book.load()
    reports = LegReports(record, clock, metrics, log)
    background = Background(report)
    stack.push_async_callback(background.stop)
    desk = LegDesk(book, reports, CertificateOffice(), clock, background)
    return LegParts(desk, LegDialer(WebSocketDialer(book), book, reports), keys)
