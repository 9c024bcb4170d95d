"""Errands, the keys that they are sealed for, and who listens to which charger."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Text, and_, cast, delete, exists, insert, select, update

from reconciler.adapters.store.errand_tables import charger_ears, errands, node_keys
from reconciler.adapters.store.relay_tables import relay_nodes
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import upsert
from reconciler.app.errand_rows import KEPT_FOR, Errand


class ErrandsOfStore(Section):
    """Implements `ErrandRows`."""

    async def put_node_key(self, start: str, key: bytes) -> None:
        """Publish the key for which whatever `start` is to read is sealed."""
        async with self._database.writing() as connection:
            await connection.execute(upsert(node_keys, connection.dialect), {"start": start, "key": key})

    async def node_key(self, start: str) -> bytes | None:
        """Return the key of a start, None where it published none."""
        async with self._database.reading() as connection:
            found = await connection.scalar(select(node_keys.c.key).where(node_keys.c.start == start))
        return None if found is None else bytes(found)

    async def put_errands(self, new: Sequence[Errand]) -> None:
        """Store errands, in this order."""
        rows = [
            {
                "id": one.id,
                "to_start": one.to_start,
                "from_start": one.from_start,
                "kind": one.kind,
                "body": one.body,
                "begin_before": one.begin_before,
                "is_taken": False,
                "answer": None,
            }
            for one in new
        ]
        async with self._database.writing() as connection:
            for row in rows:
                await connection.execute(insert(errands), row)

    async def take_errands(self, start: str, at: datetime) -> tuple[Errand, ...]:
        """Return what `start` is to do and nobody has taken, in order; each is returned once."""
        column = errands.c
        waiting = and_(column.to_start == start, column.is_taken.is_(False), column.begin_before > at)
        async with self._database.reading() as connection:
            if await connection.scalar(select(column.seq).where(waiting).limit(1)) is None:
                return ()
        async with self._database.writing() as connection:
            asked = select(errands).where(waiting).order_by(column.seq).with_for_update()
            found = (await connection.execute(asked)).mappings().all()
            seqs = [row["seq"] for row in found]
            await connection.execute(update(errands).where(column.seq.in_(seqs)).values(is_taken=True))
        return tuple(
            Errand(row["id"], row["to_start"], row["from_start"], row["kind"], row["body"], row["begin_before"])
            for row in found
        )

    async def answer_errand(self, errand_id: str, answer: bytes) -> None:
        """Store what came of an errand; where nobody waits for it any more nothing is stored."""
        async with self._database.writing() as connection:
            await connection.execute(update(errands).where(errands.c.id == errand_id).values(answer=answer))

    async def fetch_answers(self, errand_ids: Collection[str]) -> Mapping[str, bytes]:
        """Return the answers that are there, each once: its errand is then forgotten."""
        column = errands.c
        answered = and_(column.id.in_(list(errand_ids)), column.answer.is_not(None))
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(column.id, column.answer).where(answered))).all()
        if not rows:
            return {}
        found = {errand_id: bytes(answer) for errand_id, answer in rows}
        async with self._database.writing() as connection:
            await connection.execute(delete(errands).where(column.id.in_(list(found))))
        return found

    async def withdraw_errand(self, errand_id: str) -> bool:
        """Forget an errand that nobody has taken; False where somebody has."""
        untouched = delete(errands).where(errands.c.id == errand_id, errands.c.is_taken.is_(False))
        async with self._database.writing() as connection:
            return (await connection.execute(untouched)).rowcount == 1

    async def lend_ear(self, charger: str, start: str) -> None:
        """Note that `start` wants to hear what the charger's station says to `local`."""
        column, ear = charger_ears.c, {"charger": charger, "start": start}
        async with self._database.writing() as connection:
            await connection.execute(delete(charger_ears).where(column.charger == charger, column.start == start))
            await connection.execute(insert(charger_ears), ear)

    async def turn_away(self, charger: str, start: str) -> None:
        """Note that it does not any more."""
        column = charger_ears.c
        async with self._database.writing() as connection:
            await connection.execute(delete(charger_ears).where(column.charger == charger, column.start == start))

    async def ears(self) -> tuple[tuple[str, str], ...]:
        """Return charger and start, for each charger that somebody listens to."""
        async with self._database.reading() as connection:
            return tuple((charger, start) for charger, start in (await connection.execute(select(charger_ears))).all())

    async def forget_errands(self, at: datetime) -> None:
        """Forget what starts that are gone have left, and what nobody will ever take or fetch.

        Each is one statement: a start publishes its key after it has joined, so whoever sees the key sees it joined.
        """
        node, start = relay_nodes.c, relay_nodes.c.node + "/" + cast(relay_nodes.c.incarnation, Text)
        listening = exists().where(start == charger_ears.c.start, node.until > at - KEPT_FOR)
        async with self._database.writing() as connection:
            await connection.execute(delete(charger_ears).where(~listening))
            await connection.execute(delete(errands).where(errands.c.begin_before < at - KEPT_FOR))
            await connection.execute(delete(node_keys).where(~exists().where(start == node_keys.c.start)))
