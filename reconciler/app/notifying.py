"""Telling partners about outages: each notice is claimed once, by one node, then sent until it has arrived.

due (pure) ──> claim: one row per opening, edge and recipient ──> take ──> courier ──> sent, or later again
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.duty import Duty
from reconciler.app.ports import Clock, Store
from reconciler.app.tasks import Report
from reconciler.model.history import HistoryEvent
from reconciler.model.notices import Delivery, OutageNotice
from reconciler.planning.notice_text import body, subject
from reconciler.planning.notices import REMEMBERED, notices_due

TICK_S: Final = 3.0

DELIVERY_S: Final = 25.0
"""What one delivery may take."""
_TAKEN: Final = timedelta(seconds=30)
"""For so long nobody else tries the same notice: longer than DELIVERY_S."""
_BACK_OFF_FIRST: Final = timedelta(seconds=30)
_BACK_OFF_LAST: Final = timedelta(hours=1)
_ATTEMPTS_MAX: Final = 10
_AT_ONCE: Final = 10


class NotDelivered(Exception):
    """Raised by a courier; `reason` is one sentence that may be shown, never with a secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NoticeMessage:
    """A notice in words; `contact` is whom to ask."""

    notice: OutageNotice
    subject: str
    text: str
    contact: str


class Courier(Protocol):
    """Carries messages to one kind of recipient."""

    async def deliver(self, message: NoticeMessage) -> None:
        """Deliver the message, or raise NotDelivered; a message with the same `notice.key` is the same message."""


class Notifier:
    """Claims what is due and sends what is claimed; several may run, each notice is claimed once."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        specs: AppliedSpecs,
        couriers: Mapping[str, Courier],
        *,
        duty: Duty,
        contact: str,
        report: Report,
    ) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs
        self._couriers = couriers
        self._duty = duty
        self._contact = contact
        self._report = report

    async def run(self) -> None:
        """Tick for ever while this node is the one on duty, and stand by while another is."""
        while True:
            try:
                if self._duty.held:
                    await self.tick(self._clock.now())
            except Exception as error:  # noqa: BLE001 - the store may be away for a while, the loop may not
                self._report("notices", error)
            await asyncio.sleep(TICK_S)

    async def tick(self, now: datetime) -> None:
        """Claim what is due at `now`, and try to deliver what is pending."""
        site = (await self._specs.newest()).site
        state = await self._store.interventions(now)
        told = await self._store.notices(now - 2 * REMEMBERED)
        due = notices_due(site, state.begun, state.adjustments, told, now)
        claimed = await self._store.claim_notices(due) if due else ()
        waiting = [
            notice for notice in (*told, *claimed) if notice.status is Delivery.PENDING and notice.next_at <= now
        ]
        slots = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._try(notice, slots) for notice in waiting))

    async def _try(self, notice: OutageNotice, slots: asyncio.Semaphore) -> None:
        async with slots:
            now = self._clock.now()
            taken = replace(notice, next_at=now + _TAKEN, attempts=notice.attempts + 1)
            if not await self._store.update_notice(taken, seen=notice):
                return  # another node has it
            await self._store.update_notice(await self._delivered(taken), seen=taken)

    async def _delivered(self, notice: OutageNotice) -> OutageNotice:
        """Deliver a notice and return what became of it."""
        courier = self._couriers.get(notice.recipient.kind)
        message = NoticeMessage(notice, subject(notice), body(notice, self._contact), self._contact)
        try:
            if courier is None:
                raise NotDelivered(f"this server can't send {notice.recipient.kind}: fwdctl serve --smtp URL")
            async with asyncio.timeout(DELIVERY_S):
                await courier.deliver(message)
        except (NotDelivered, TimeoutError) as error:
            reason = error.reason if isinstance(error, NotDelivered) else f"no answer within {DELIVERY_S:g} s"
            return await self._put_off(notice, reason)
        await self._record("notice", notice, f"told {notice.recipient.to}")
        return replace(notice, status=Delivery.SENT, error="")

    async def _put_off(self, notice: OutageNotice, reason: str) -> OutageNotice:
        if notice.attempts >= _ATTEMPTS_MAX:
            await self._record("notice-failed", notice, f"could not tell {notice.recipient.to}: {reason}")
            return replace(notice, status=Delivery.FAILED, error=reason)
        pause = min(_BACK_OFF_LAST, _BACK_OFF_FIRST * 2 ** (notice.attempts - 1))
        return replace(notice, next_at=self._clock.now() + pause, error=reason)

    async def _record(self, kind: str, notice: OutageNotice, summary: str) -> None:
        told = notice.announcement
        details = {"occurrence": notice.occurrence, "edge": notice.edge, "recipient": notice.recipient.key}
        event = HistoryEvent(
            self._clock.now(), kind, f"{told.outage} {notice.edge}: {summary}", reason=told.reason, details=details
        )
        await self._store.record([event])
