"""Notices claimed so far, one row for each opening, edge and recipient; and which node is on duty."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import RowMapping, select, update

from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import duties, insert_on, notices, upsert
from reconciler.model.desired import SecretRef
from reconciler.model.notices import Announcement, Delivery, NoticeKind, OutageNotice, Recipient

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Notices(Section):
    """Notices and their claims."""

    async def notices(self, since: datetime) -> tuple[OutageNotice, ...]:
        """Return the notices of openings that end after `since`, in the order they were claimed."""
        asked = select(notices).where(notices.c.until > since).order_by(notices.c.seq)
        async with self._database.reading() as connection:
            return tuple(_notice(found) for found in (await connection.execute(asked)).mappings())

    async def claim_notices(self, claims: Sequence[OutageNotice]) -> tuple[OutageNotice, ...]:
        """Store those of `claims` that nobody has claimed yet, all in one transaction, and return them."""
        won = []
        async with self._database.writing() as connection:
            new = insert_on(connection.dialect)
            for claim in claims:
                claimed = new(notices).values(_row(claim)).on_conflict_do_nothing()
                if (await connection.execute(claimed)).rowcount == 1:
                    won.append(claim)
        return tuple(won)

    async def update_notice(self, notice: OutageNotice, *, seen: OutageNotice) -> bool:
        """Store how far a notice has come; False, and nothing is written, where it is not as it was `seen`."""
        column = notices.c
        same = (
            column.occurrence == seen.occurrence,
            column.edge == seen.edge,
            column.recipient == seen.recipient.key,
            column.status == seen.status.value,
            column.attempts == seen.attempts,
            column.next_at == seen.next_at,
        )
        values = {
            "status": notice.status.value,
            "attempts": notice.attempts,
            "next_at": notice.next_at,
            "error": notice.error,
        }
        async with self._database.writing() as connection:
            return (await connection.execute(update(notices).where(*same).values(values))).rowcount == 1

    async def lead(self, duty: str, holder: str, at: datetime, lease_s: float) -> int | None:
        """Take a duty or keep it for another `lease_s`, and return its incarnation; None while another has it.

        The incarnation grows with every change of hands, and when a holder comes back after its lease ran out.
        """
        until = at + timedelta(seconds=lease_s)
        async with self._database.writing(Turn.DUTIES) as connection:
            held = (await connection.execute(select(duties).where(duties.c.duty == duty))).mappings().one_or_none()
            if held is not None and at < held["expires_at"] and held["holder"] != holder:
                return None
            kept = held is not None and at < held["expires_at"]
            incarnation = 1 if held is None else int(held["incarnation"]) + (not kept)
            taken = {"duty": duty, "holder": holder, "incarnation": incarnation, "expires_at": until}
            await connection.execute(upsert(duties, connection.dialect), taken)
            return incarnation

    async def yield_lead(self, duty: str, holder: str) -> None:
        """Give a duty up, so that it is free at once; harmless where it is not this holder's."""
        mine = update(duties).where(duties.c.duty == duty, duties.c.holder == holder)
        async with self._database.writing(Turn.DUTIES) as connection:
            await connection.execute(mine.values(expires_at=_LONG_AGO))


def _row(notice: OutageNotice) -> dict[str, Any]:
    recipient, told = notice.recipient, notice.announcement
    return {
        "occurrence": notice.occurrence,
        "edge": notice.edge,
        "recipient": recipient.key,
        "backend": recipient.backend,
        "secret": str(recipient.secret) if recipient.secret is not None else None,
        "kind": notice.kind.value,
        "outage": told.outage,
        "opening": told.opening,
        "until": told.until,
        "zone": told.zone,
        "chargers": list(told.chargers),
        "reason": told.reason,
        "sequence": notice.sequence,
        "late": notice.late,
        "claimed_at": notice.claimed_at,
        "next_at": notice.next_at,
        "status": notice.status.value,
        "attempts": notice.attempts,
        "error": notice.error,
    }


def _notice(found: RowMapping) -> OutageNotice:
    kind, _, to = found["recipient"].partition(":")
    return OutageNotice(
        occurrence=found["occurrence"],
        edge=found["edge"],
        recipient=Recipient(found["backend"], kind, to, secret_ref(found["secret"])),
        kind=NoticeKind(found["kind"]),
        announcement=Announcement(
            outage=found["outage"],
            opening=found["opening"],
            until=found["until"],
            zone=found["zone"],
            chargers=tuple(found["chargers"]),
            reason=found["reason"],
        ),
        claimed_at=found["claimed_at"],
        next_at=found["next_at"],
        sequence=found["sequence"],
        late=bool(found["late"]),
        status=Delivery(found["status"]),
        attempts=found["attempts"],
        error=found["error"],
    )


def secret_ref(written: str | None) -> SecretRef | None:
    """Return the reference that was stored as text, None for none."""
    if written is None:
        return None
    source, _, name = written.partition(":")
    return SecretRef("env" if source == "env" else "file", name)
