"""Telling partners about outages: each notice is claimed once, by one node, then sent until it has arrived.

due (pure) ──> claim: one row per opening, edge and recipient ──> delivering
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.delivering import Courier, Delivering, Message
from reconciler.app.duty import Duty
from reconciler.app.ports import Clock, Store
from reconciler.app.tasks import Report
from reconciler.model.history import HistoryEvent
from reconciler.model.notices import OutageNotice
from reconciler.planning.notice_text import body, subject
from reconciler.planning.notices import REMEMBERED, notices_due

TICK_S: Final = 3.0


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
        await Delivering(self, self._couriers, self._clock).deliver((*told, *claimed))

    # -- Outbox ------------------------------------------------------------------------------------------------

    async def update(self, parcel: OutageNotice, seen: OutageNotice) -> bool:
        """Store how far a notice has come."""
        return await self._store.update_notice(parcel, seen=seen)

    def message(self, parcel: OutageNotice) -> Message:
        """Return a notice in words."""
        return Message(parcel, subject(parcel), body(parcel, self._contact), self._contact)

    async def concluded(self, parcel: OutageNotice, failure: str) -> None:
        """Write down that a notice has arrived, or why it was given up."""
        told, to = parcel.announcement, parcel.recipient.to
        summary = f"could not tell {to}: {failure}" if failure else f"told {to}"
        details = {"occurrence": parcel.occurrence, "edge": parcel.edge, "recipient": parcel.recipient.key}
        kind = "notice-failed" if failure else "notice"
        event = HistoryEvent(
            self._clock.now(), kind, f"{told.outage} {parcel.edge}: {summary}", reason=told.reason, details=details
        )
        await self._store.record([event])
