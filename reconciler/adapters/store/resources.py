"""Resources: applied specs, each a chain of versions, changed only by whole revisions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Text, and_, bindparam, case, cast, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.retained import is_kept, not_kept, oldest_kept
from reconciler.adapters.store.rollouts import write_steps
from reconciler.adapters.store.section import Section, in_lists
from reconciler.adapters.store.tables import resource_versions, revisions, row
from reconciler.app.ports import ResourceChanges, ResourceWrite, RevisionMeta, RolloutCommit, StoredResource
from reconciler.errors import FwdctlError, StalePlan
from reconciler.model.rollouts import Step

_NAMED: Final = 5
"""Stale resources named in a message before "and N more"."""


class _Version(msgspec.Struct, frozen=True):
    """How far an address has come: `last` ever given to it, `current` 0 where it does not exist now."""

    last: int = 0
    current: int = 0


class Resources(Section):
    """The applied resources and their revisions."""

    async def resources(self) -> tuple[int, tuple[StoredResource, ...]]:
        """Return the applied revision (0: nothing was ever applied) and all resources, by address."""
        async with self._database.reading() as connection:
            revision = await _last_revision(connection)
            return revision, await _read(connection, resource_versions.c.ended_by.is_(None))

    async def resource_changes(self, since: int) -> ResourceChanges:
        """Return what changed after revision `since`: what was written, by address, and what is not there any more.

        Raises NotKept where it is forgotten what went since then; since 0 there is always an answer.
        """
        versions = resource_versions.c
        async with self._database.reading() as connection:
            revision = await _last_revision(connection)
            if revision == since:
                return ResourceChanges(revision, ())
            if 0 < since < await oldest_kept(connection):
                raise await not_kept(connection, f"revision {since}")
            written = await _read(connection, and_(versions.revision > since, versions.ended_by.is_(None)))
            ended = await connection.scalars(select(versions.address).where(versions.ended_by > since))
            return ResourceChanges(revision, written, frozenset(ended) - {one.address for one in written})

    async def revision(self) -> int:
        """Return the applied revision alone, cheaply: 0 where nothing was ever applied."""
        async with self._database.reading() as connection:
            return await _last_revision(connection)

    async def resources_at(self, revision: int) -> tuple[StoredResource, ...]:
        """Return all resources as `revision` left them, by address.

        Raises FwdctlError where there is no such one, NotKept where it is forgotten.
        """
        versions = resource_versions.c
        held = and_(versions.revision <= revision, or_(versions.ended_by.is_(None), versions.ended_by > revision))
        async with self._database.reading() as connection:
            last = await _last_revision(connection)
            if not 0 <= revision <= last:
                raise FwdctlError(f"there is no revision {revision}, the last one is {last}", hint="see fwdctl history")
            if not await is_kept(connection, revision):
                raise await not_kept(connection, f"revision {revision}")
            return await _read(connection, held)

    async def revision_meta(self, revision: int) -> RevisionMeta | None:
        """Return who made `revision` and why, None where there is no such one."""
        columns = [revisions.c[name] for name in RevisionMeta.__struct_fields__]
        async with self._database.reading() as connection:
            asked = select(*columns).where(revisions.c.revision == revision)
            found = (await connection.execute(asked)).one_or_none()
        return None if found is None else RevisionMeta(*found)

    async def revision_of_plan(self, plan_id: str) -> int | None:
        """Return the revision that this plan made, None where it was not applied."""
        async with self._database.reading() as connection:
            return await _revision_of(connection, plan_id)

    async def revision_at(self, at: datetime) -> int:
        """Return the revision that was the applied one at `at`: 0 where nothing was applied yet.

        Raises NotKept where it is forgotten.
        """
        async with self._database.reading() as connection:
            found = await connection.scalar(select(func.max(revisions.c.revision)).where(revisions.c.at <= at)) or 0
            if found < await oldest_kept(connection):  # below it there are gaps
                raise await not_kept(connection, f"what was applied at {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
            return found

    async def learn_texts(self, texts: Sequence[tuple[str, int, str]]) -> None:
        """Remember (address, version, digest): the text of that digest says just what this version does."""
        versions = resource_versions.c
        learnt = update(resource_versions).where(
            versions.address == bindparam("of"), versions.version == bindparam("at_version")
        )
        values = [{"of": address, "at_version": version, "digest": digest} for address, version, digest in texts]
        async with self._database.writing(Turn.RESOURCES) as connection:
            await connection.execute(learnt.values(text=bindparam("digest")), values)

    async def commit_revision(
        self,
        writes: Sequence[ResourceWrite],
        meta: RevisionMeta,
        plan_id: str,
        rollout: RolloutCommit | None = None,
        *,
        base: int | None = None,
    ) -> int:
        """Write all of `writes` (each address once) in one transaction and return the new revision.

        With a `rollout`, its steps are written with them; `base` is the revision that the plan was made against.
        Raises StalePlan where a resource's version is not its `seen_version`, where `plan_id` was committed before or
        is so old that nobody knows any more, LockHeld where somebody else took the rollout over; then nothing is
        written.
        """
        addresses = [write.address for write in writes]
        if len(set(addresses)) < len(addresses):
            raise ValueError("one revision writes an address twice")
        async with self._database.writing(Turn.RESOURCES) as connection:
            await _refuse_used(connection, plan_id, base)
            await _refuse_bases(connection, rollout.steps if rollout is not None else ())
            known = await _versions(connection, addresses)
            _refuse_stale(writes, known)
            revision = await _last_revision(connection) + 1
            await connection.execute(insert(revisions), row(meta, revision=revision, plan_id=plan_id))
            await _write(connection, writes, known, revision, first=await oldest_kept(connection) + 1)
            if rollout is not None:
                await write_steps(connection, rollout, revision)
            return revision


async def _last_revision(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.max(revisions.c.revision))) or 0


async def _read(connection: AsyncConnection, which: ColumnElement[bool]) -> tuple[StoredResource, ...]:
    versions = resource_versions.c
    written = cast(versions.content, Text)  # decoded below, several times as fast as by the engine
    rows = await connection.execute(
        select(versions.address, written, versions.version, versions.revision, versions.text).where(which)
    )
    # Sorted here: the order of text in PostgreSQL depends on how the database was created.
    read = msgspec.json.decode
    stored = (
        StoredResource(address, read(content), version, revision, text or "")
        for address, content, version, revision, text in rows
    )
    return tuple(sorted(stored, key=lambda resource: resource.address))


async def _revision_of(connection: AsyncConnection, plan_id: str) -> int | None:
    return await connection.scalar(select(revisions.c.revision).where(revisions.c.plan_id == plan_id))


async def _refuse_used(connection: AsyncConnection, plan_id: str, base: int | None) -> None:
    used = await _revision_of(connection, plan_id)
    if used is not None:
        raise StalePlan(f"this plan was applied before, as revision {used}", hint="make a new one: fwdctl plan")
    if base is not None and base < await oldest_kept(connection):  # it may have been: nobody knows any more
        raise StalePlan(
            f"this plan was made against revision {base}, which is not kept any more",
            hint="make a new one: fwdctl plan",
        )


async def _refuse_bases(connection: AsyncConnection, steps: Sequence[Step]) -> None:
    """Refuse steps that would leave chargers as of a revision that was forgotten since they were planned."""
    for base in {step.base for step in steps}:
        if not await is_kept(connection, base):
            raise StalePlan(
                f"revision {base}, as of which chargers ran when the plan was made, is not kept any more",
                hint="make a new one: fwdctl plan",
            )


async def _versions(connection: AsyncConnection, addresses: Sequence[str]) -> dict[str, _Version]:
    """Return how far each of `addresses` has come; those never used are left out."""
    versions = resource_versions.c
    current = case((versions.ended_by.is_(None), versions.version), else_=0)
    asked = select(versions.address, func.max(versions.version), func.max(current)).group_by(versions.address)
    found: dict[str, _Version] = {}
    for some in in_lists(addresses):
        for address, last, now in await connection.execute(asked.where(versions.address.in_(some))):
            found[address] = _Version(last, now)
    return found


def _refuse_stale(writes: Sequence[ResourceWrite], known: dict[str, _Version]) -> None:
    stale = [write.address for write in writes if known.get(write.address, _Version()).current != write.seen_version]
    if stale:
        named = ", ".join(stale[:_NAMED]) + (f" and {len(stale) - _NAMED} more" if len(stale) > _NAMED else "")
        raise StalePlan(f"changed since the plan was made: {named}", hint="make a new one: fwdctl plan")


async def _write(
    connection: AsyncConnection,
    writes: Sequence[ResourceWrite],
    known: dict[str, _Version],
    revision: int,
    first: int,
) -> None:
    """Write `revision`; versions of what did not exist count from `first`, which none that was forgotten came to."""
    versions = resource_versions.c
    if ended := [{"ended": write.address} for write in writes if write.seen_version]:
        end = update(resource_versions).where(versions.address == bindparam("ended"), versions.ended_by.is_(None))
        await connection.execute(end.values(ended_by=revision), ended)
    written = [
        {
            "address": write.address,
            "version": _next(known.get(write.address, _Version()), first),
            "content": dict(write.content),
            "revision": revision,
        }
        for write in writes
        if write.content is not None
    ]
    if written:
        await connection.execute(insert(resource_versions), written)


def _next(version: _Version, first: int) -> int:
    return version.last + 1 if version.current else max(version.last + 1, first)
