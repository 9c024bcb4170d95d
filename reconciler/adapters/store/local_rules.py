"""What `local` does by itself: limits that stand in chargers, notifications claimed so far, and those not sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, exists, insert, select, update

from reconciler.adapters.store.local_rule_tables import (
    load_limits,
    moments,
    notifications,
    suppressed_notifications,
)
from reconciler.adapters.store.notices import secret_ref
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import insert_on, row, upsert
from reconciler.local.notifications import Moment
from reconciler.model.local_rules import STATES
from reconciler.model.notices import Delivery, Recipient
from reconciler.model.notifications import Edge, Notification, Suppressed


class LocalRules(Section):
    """Load limits and notifications."""

    async def load_limits(self) -> Mapping[str, float]:
        """Return charger -> the highest limit of a LoadPolicy that may stand there, in W."""
        async with self._database.reading() as connection:
            return {
                found["charger"]: found["watts"] for found in (await connection.execute(select(load_limits))).mappings()
            }

    async def put_load_limits(self, limits: Mapping[str, float | None]) -> None:
        """Store these limits, all in one transaction; None: there is none any more."""
        gone = [charger for charger, watts in limits.items() if watts is None]
        there = [{"charger": charger, "watts": watts} for charger, watts in limits.items() if watts is not None]
        async with self._database.writing() as connection:
            if gone:
                await connection.execute(delete(load_limits).where(load_limits.c.charger.in_(gone)))
            if there:
                await connection.execute(upsert(load_limits, connection.dialect), there)

    async def notifications(self, since: datetime) -> tuple[Notification, ...]:
        """Return those claimed after `since`, and those not sent or not over yet, in the order of claims."""
        column, later = notifications.c, notifications.alias()
        unfinished = column.status.in_([Delivery.PENDING.value, Delivery.HELD.value])
        is_over = exists().where(
            later.c.rule == column.rule,
            later.c.trouble == column.trouble,
            later.c.recipient == column.recipient,
            later.c.edge == Edge.OVER.value,
        )
        standing = (column.edge == Edge.BEGUN.value) & column.event.in_(STATES) & ~is_over
        asked = select(notifications).where((column.claimed_at > since) | unfinished | standing).order_by(column.seq)
        async with self._database.reading() as connection:
            return tuple(_notification(found) for found in (await connection.execute(asked)).mappings())

    async def claim_notifications(self, claims: Sequence[Notification]) -> tuple[Notification, ...]:
        """Store those of `claims` that nobody has claimed yet, all in one transaction, and return them."""
        won = []
        async with self._database.writing() as connection:
            new = insert_on(connection.dialect)
            for claim in claims:
                claimed = new(notifications).values(_row(claim)).on_conflict_do_nothing()
                if (await connection.execute(claimed)).rowcount == 1:
                    won.append(claim)
        return tuple(won)

    async def update_notification(self, notification: Notification, *, seen: Notification) -> bool:
        """Store how far one has come; False, and nothing is written, where it is not as it was `seen`."""
        column = notifications.c
        same = (
            column.rule == seen.rule,
            column.trouble == seen.trouble,
            column.edge == seen.edge.value,
            column.recipient == seen.recipient.key,
            column.status == seen.status.value,
            column.attempts == seen.attempts,
            column.next_at == seen.next_at,
        )
        values = {
            "status": notification.status.value,
            "attempts": notification.attempts,
            "next_at": notification.next_at,
            "error": notification.error,
        }
        async with self._database.writing() as connection:
            return (await connection.execute(update(notifications).where(*same).values(values))).rowcount == 1

    async def put_moments(self, new: Sequence[Moment]) -> None:
        """Store these, in this order."""
        rows = [row(moment, owners=list(moment.owners)) for moment in new]
        async with self._database.writing() as connection:
            await connection.execute(insert(moments), rows)

    async def moments(self, at_most: int) -> tuple[tuple[int, Moment], ...]:
        """Return the oldest ones that nobody has decided on, each with the number of its row."""
        asked = select(moments).order_by(moments.c.seq).limit(at_most)
        async with self._database.reading() as connection:
            found = (await connection.execute(asked)).mappings().all()
        return tuple((one["seq"], _moment(one)) for one in found)

    async def count_suppressed(self, more: Sequence[Suppressed], decided: Sequence[int] = ()) -> None:
        """Add to the counts of what was not sent, and forget the moments decided on, all in one transaction."""
        async with self._database.writing() as connection:
            if decided:
                await connection.execute(delete(moments).where(moments.c.seq.in_(decided)))
            new = insert_on(connection.dialect)
            for one in more:
                values = {"rule": one.rule, "event": one.event, "owner": one.owner, "count": one.count}
                added = new(suppressed_notifications).values({**values, "last_at": one.last_at})
                added = added.on_conflict_do_update(
                    index_elements=["rule", "event", "owner"],
                    set_={"count": suppressed_notifications.c.count + one.count, "last_at": one.last_at},
                )
                await connection.execute(added)

    async def suppressed(self) -> tuple[Suppressed, ...]:
        """Return what was not sent, by rule, event and owner."""
        table = suppressed_notifications
        asked = select(table).order_by(table.c.rule, table.c.event, table.c.owner)
        async with self._database.reading() as connection:
            return tuple(Suppressed(**found) for found in (await connection.execute(asked)).mappings())


def _row(claim: Notification) -> dict[str, Any]:
    return {
        "rule": claim.rule,
        "trouble": claim.trouble,
        "edge": claim.edge.value,
        "recipient": claim.recipient.key,
        "secret": str(claim.recipient.secret) if claim.recipient.secret is not None else None,
        "event": claim.event,
        "charger": claim.charger,
        "summary": claim.summary,
        "at": claim.at,
        "claimed_at": claim.claimed_at,
        "next_at": claim.next_at,
        "status": claim.status.value,
        "attempts": claim.attempts,
        "error": claim.error,
    }


def _moment(found: RowMapping) -> Moment:
    named = {name: value for name, value in found.items() if name != "seq"}
    return Moment(**{**named, "owners": tuple(found["owners"])})


def _notification(found: RowMapping) -> Notification:
    kind, _, to = found["recipient"].partition(":")
    return Notification(
        rule=found["rule"],
        trouble=found["trouble"],
        edge=Edge(found["edge"]),
        recipient=Recipient(found["rule"], kind, to, secret_ref(found["secret"])),
        event=found["event"],
        charger=found["charger"],
        summary=found["summary"],
        at=found["at"],
        claimed_at=found["claimed_at"],
        next_at=found["next_at"],
        status=Delivery(found["status"]),
        attempts=found["attempts"],
        error=found["error"],
    )
