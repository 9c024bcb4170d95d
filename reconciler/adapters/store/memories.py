"""Memories: what a charger's session must still know after the station reconnects or the relay restarts."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, select

from reconciler.adapters.store import tables
from reconciler.adapters.store.section import Section
from reconciler.app.ports import ChargerMemory


class Memories(Section):
    """One row per charger, rewritten whole."""

    async def remember(self, memories: Sequence[ChargerMemory]) -> None:
        """Write the memories of these chargers, all in one transaction; of two for one charger the last counts.

        One of an older epoch than what is stored is dropped: another node has the charger by now.
        """
        if not memories:
            return
        rows = {memory.charger: _row(memory) for memory in memories}
        # In one order everywhere, so that two nodes which write the same chargers can't lock each other out.
        batch = [rows[charger] for charger in sorted(rows)]
        async with self._database.writing() as connection:
            written = tables.upsert(tables.memories, connection.dialect, unless_newer="epoch")
            await connection.execute(written, batch)

    async def memories(self) -> tuple[ChargerMemory, ...]:
        """Return every charger's memory, by charger."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(tables.memories))).mappings()
            return tuple(sorted((memory_of(found) for found in rows), key=lambda memory: memory.charger))


def _row(memory: ChargerMemory) -> dict[str, Any]:
    statuses = {connector: b64encode(payload).decode() for connector, payload in memory.statuses.items()}
    return tables.row(memory, statuses=statuses, ids=dict(memory.ids))


def memory_of(found: RowMapping) -> ChargerMemory:
    """Return the memory in a row."""
    statuses = {connector: b64decode(payload) for connector, payload in found["statuses"].items()}
    return ChargerMemory(**{**found, "statuses": statuses})
