"""What is kept of revisions: the bound, which only grows, and the versions below it, which go in small batches.

The bound is committed first. Whoever reads then is refused what lies below, or has a snapshot from before, in which
all of it is still there. A revision that chargers still run by, since an apply has not come to them, stays whole.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, ColumnElement, Integer, Table, delete, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.rollouts import held_bases
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import Instant, PlainText, metadata, resource_versions, revisions, upsert
from reconciler.app.ports import Retained
from reconciler.errors import NotKept

retained: Final = Table(
    "retained",
    metadata,
    Column("what", PlainText, primary_key=True),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("since", Instant, nullable=False),
)
"""One row for each `Bound` that there is."""


class Bound(StrEnum):
    """What has a bound; `Retained` says what they mean."""

    REVISIONS = "revisions"
    INTERVENTIONS = "interventions"
    EVENTS = "events"


class RetainedRevisions(Section):
    """How far back the store goes, and the end of revisions that are older."""

    async def retained(self) -> Retained:
        """Return how far back the store goes."""
        async with self._database.reading() as connection:
            found = {row.what: row for row in await connection.execute(select(retained))}
        bounds = {what: found[what].since if what in found else None for what in Bound}
        revision = found[Bound.REVISIONS].revision if Bound.REVISIONS in found else 0
        return Retained(revision, bounds[Bound.REVISIONS], bounds[Bound.INTERVENTIONS], bounds[Bound.EVENTS])

    async def retain_revisions(self, since: datetime, at_least: int) -> None:
        """Give up the revisions that were followed by another one before `since`, all but the last `at_least`."""
        column = revisions.c
        async with self._database.writing(Turn.RESOURCES) as connection:
            applied_then = await connection.scalar(select(func.max(column.revision)).where(column.at <= since)) or 0
            last = await connection.scalar(select(func.max(column.revision))) or 0
            oldest = min(applied_then, last - at_least + 1)
            if oldest <= max(1, await oldest_kept(connection)):
                return
            at = await connection.scalar(select(column.at).where(column.revision == oldest))
            assert at is not None  # all from the last bound on are there
            await move_bound(connection, Bound.REVISIONS, at, oldest)

    async def forget_versions(self, at_most: int) -> int:
        """Delete versions of resources that no kept revision has, at most so many; return how many."""
        column, key = resource_versions.c, tuple_(resource_versions.c.address, resource_versions.c.version)
        async with self._database.reading() as connection:  # what is over stays as it is, so nobody has to wait
            over = select(column.address, column.version).where(column.ended_by <= await oldest_kept(connection))
            oldest = over.where(~_is_held()).order_by(column.ended_by).limit(at_most)
            keys = [tuple(row) for row in await connection.execute(oldest)]
        if not keys:
            return 0
        async with self._database.writing() as connection:
            return (await connection.execute(delete(resource_versions).where(key.in_(keys)))).rowcount

    async def forget_revisions(self, at_most: int) -> int:
        """Delete revisions below the bound that no version begins or ends with, at most so many; return how many."""
        column, version = revisions.c, resource_versions.c
        begun, ended = (exists().where(one == column.revision) for one in (version.revision, version.ended_by))
        async with self._database.reading() as connection:
            below = select(column.revision).where(column.revision < await oldest_kept(connection), ~begun, ~ended)
            numbers = list(await connection.scalars(below.order_by(column.revision).limit(at_most)))
        if not numbers:
            return 0
        async with self._database.writing() as connection:
            return (await connection.execute(delete(revisions).where(column.revision.in_(numbers)))).rowcount


async def oldest_kept(connection: AsyncConnection) -> int:
    """Return the oldest revision that is kept whole with all that follow, 0 where all are."""
    return await connection.scalar(select(retained.c.revision).where(retained.c.what == Bound.REVISIONS)) or 0


async def is_kept(connection: AsyncConnection, revision: int) -> bool:
    """Return whether everything that `revision` left is there; nothing was applied before the first one."""
    if revision == 0 or revision >= await oldest_kept(connection):
        return True
    base = held_bases().subquery().c.base
    return bool(await connection.scalar(select(exists().where(base == revision))))


async def not_kept(connection: AsyncConnection, asked: str) -> NotKept:
    """Return the error for `asked`, which is forgotten."""
    oldest = await oldest_kept(connection)
    at = await connection.scalar(select(retained.c.since).where(retained.c.what == Bound.REVISIONS))
    assert at is not None  # or nothing would be forgotten
    return NotKept(
        f"{asked} is not kept any more: the oldest revision that is there is {oldest}, applied at {_written(at)};"
        " how long revisions are kept is set by serve --revisions-keep",
        hint=f"go by revision {oldest} or a newer one: fwdctl history --kind apply; your Git has the older specs",
    )


async def refuse_forgotten_interventions(connection: AsyncConnection, at: datetime) -> None:
    """Raise NotKept where toggles and outages that were in force at `at` may be forgotten."""
    since = await connection.scalar(select(retained.c.since).where(retained.c.what == Bound.INTERVENTIONS))
    if since is not None and at < since:
        raise NotKept(
            f"which toggles and outages were in force at {_written(at)} is not kept any more: those that were over"
            f" before {_written(since)} are forgotten, as serve --revisions-keep says",
            hint="what was applied then: fwdctl show ADDRESS --revision REV; who flipped what: fwdctl history",
        )


async def move_bound(connection: AsyncConnection, what: Bound, since: datetime, revision: int = 0) -> None:
    """Store a bound, unless it is further on already."""
    here = (await connection.execute(select(retained).where(retained.c.what == what))).one_or_none()
    if here is None or (here.revision, here.since) < (revision, since):
        row = {"what": what.value, "since": since, "revision": revision}
        await connection.execute(upsert(retained, connection.dialect), row)


def _is_held() -> ColumnElement[bool]:
    """Return whether a version belongs to a revision that chargers still run by."""
    version, base = resource_versions.c, held_bases().subquery().c.base
    return exists().where(base >= version.revision, base < version.ended_by)


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
