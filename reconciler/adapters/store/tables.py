"""The tables, as the code sees them today; `migrations/` is how a database gets there."""

from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.dialects import sqlite


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite stores it naive, in a text form that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` in UTC as the database takes it; raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the database holds, aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text that may come from a station or a partner; what PostgreSQL can't store (NUL, lone surrogates) is replaced.

    So no hostile string makes a write fail, and both engines give back the same.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return `value` with U+FFFD or "?" for what has no place in a text column."""
        return None if value is None else value.replace("\0", "\ufffd").encode(errors="replace").decode()


# JSON and not JSONB: it keeps the order of keys (`fwdctl dump` reads as it was written) and takes every string that
# a station may send ("\u0000" too). Nothing is ever searched inside.
metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

revisions: Final = Table(
    "revisions",
    metadata,
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("plan_id", PlainText, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("git_author", PlainText, nullable=False),
    Column("git_commit", PlainText, nullable=False),
    Column("override_window", Boolean, nullable=False, server_default=false()),
)
"""One row per commit: a plan_id found here is used up. Those that are forgotten, see `retained.py`, leave gaps."""

resource_versions: Final = Table(
    "resource_versions",
    metadata,
    Column("address", PlainText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", JSON, nullable=False),
    Column("revision", Integer, ForeignKey("revisions.revision"), nullable=False),
    Column("ended_by", Integer, ForeignKey("revisions.revision"), nullable=True),
    Column("text", PlainText, nullable=True),
    Index("ix_resource_versions_revision", "revision"),
)
"""Every version of every resource: it counts from `revision` until `ended_by` (the revision that changed or deleted
it; null while it is the current one). Versions of an address go on counting over a deletion, also where those before
it are forgotten, so that a plan made before it can't be taken for one made after it. `text` is the digest of a text
that says just this version, null where none is known."""

overrides: Final = Table(
    "overrides",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("charger", PlainText, nullable=False, index=True),
    Column("roles", JSON, nullable=False),
    Column("start", Instant, nullable=False),
    Column("until", Instant, nullable=True),
    Column("reason", PlainText, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("closed", Boolean, nullable=False, server_default=true()),
)

begun_outages: Final = Table(
    "begun_outages",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("chargers", JSON, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("start", Instant, nullable=False),
    Column("duration_s", Integer, nullable=False),
    Column("zone", PlainText, nullable=False),
    Column("open_transaction", PlainText, nullable=True),
    Column("told", JSON, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("actor", PlainText, nullable=False),
)
"""Outages begun from the command line; `told` are the back-ends that get notice."""

outage_adjustments: Final = Table(
    "outage_adjustments",
    metadata,
    Column("outage", PlainText, primary_key=True),
    Column("opening", Instant, primary_key=True),
    Column("until", Instant, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("at", Instant, nullable=False),
)

failovers: Final = Table(
    "failovers",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("backend", PlainText, primary_key=True),
    Column("to", PlainText, nullable=False),
    Column("since", Instant, nullable=False),
    Column("back", PlainText, nullable=False),
)

notices: Final = Table(
    "notices",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("occurrence", PlainText, nullable=False),
    Column("edge", PlainText, nullable=False),
    Column("recipient", PlainText, nullable=False),
    Column("backend", PlainText, nullable=False),
    Column("secret", PlainText, nullable=True),
    Column("kind", PlainText, nullable=False),
    Column("outage", PlainText, nullable=False),
    Column("opening", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
    Column("zone", PlainText, nullable=False),
    Column("chargers", JSON, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("status", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", PlainText, nullable=False),
    UniqueConstraint("occurrence", "edge", "recipient"),
    sqlite_autoincrement=True,
)
"""One row per claim: the constraint is what makes a notice go out once. `secret` is a reference, never a secret."""

duties: Final = Table(
    "duties",
    metadata,
    Column("duty", PlainText, primary_key=True),
    Column("holder", PlainText, nullable=False),
    Column("incarnation", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

events: Final = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("kind", PlainText, nullable=False),
    Column("summary", PlainText, nullable=False),
    Column("charger", PlainText, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("revision", Integer, nullable=True),
    Column("details", JSON, nullable=False),
    Index("ix_events_charger", "charger", "seq"),
    Index("ix_events_kind", "kind", "seq"),
    sqlite_autoincrement=True,
)

locks: Final = Table(
    "locks",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("holder", PlainText, nullable=False),
    Column("purpose", PlainText, nullable=False),
    Column("acquired_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

memories: Final = Table(
    "memories",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("version", PlainText, nullable=False),
    Column("boot", LargeBinary, nullable=True),
    Column("statuses", JSON, nullable=False),
    Column("ids", JSON, nullable=False),
    Column("profile", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
)

kept_calls: Final = Table(
    "kept_calls",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)

access_tokens: Final = Table(
    "access_tokens",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("access", PlainText, nullable=False),
    Column("digest", PlainText, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", PlainText, nullable=False),
    Column("expires_at", Instant, nullable=True),
    Column("revoked_at", Instant, nullable=True),
    Column("select", JSON, nullable=False),
)

operations: Final = Table(
    "operations",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("charger", PlainText, nullable=False, index=True),
    Column("operation", PlainText, nullable=False),
    Column("feature", PlainText, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("started_at", Instant, nullable=False, index=True),
    Column("holder", PlainText, nullable=False),
    Column("batch", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("result", JSON, nullable=False),
    Column("problem", PlainText, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("ended_at", Instant, nullable=True),
)
"""What `local` had chargers do; `result` is null until there is one, `progress` a list of [time, text]."""

rollouts: Final = Table(
    "rollouts",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("node", PlainText, nullable=False),
    Column("holder", PlainText, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("order", JSON, nullable=False),
    Column("plan", LargeBinary, nullable=True),
    Column("plan_id", PlainText, nullable=False),
    Column("state", PlainText, nullable=False, index=True),
    Column("revision", Integer, nullable=True),
    Column("outcome", JSON, nullable=False),
    Column("ended_at", Instant, nullable=True),
)
"""The journal of applies. `plan` is there until the end: whoever takes an apply over needs it."""

rollout_steps: Final = Table(
    "rollout_steps",
    metadata,
    Column("rollout", PlainText, ForeignKey("rollouts.id", ondelete="CASCADE"), primary_key=True),
    Column("charger", PlainText, primary_key=True),
    Column("base", Integer, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("disruption", PlainText, nullable=False),
    Column("canary", Boolean, nullable=False),
)

pauses: Final = Table(
    "pauses",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=True),
    Column("reason", PlainText, nullable=False),
    Column("actor", PlainText, nullable=False),
)


def row(value: Struct, **instead: Any) -> dict[str, Any]:
    """Return the fields of `value` by name, with those of `instead` in their place, as one row to write."""
    return asdict(value) | instead


def insert_on(dialect: Dialect) -> Any:
    """Return the INSERT of an engine, which knows ON CONFLICT; `Any`: each dialect has its own type."""
    if dialect.name == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # here, as few servers have it and all would wait for it

    return postgresql.insert


def upsert(table: Table, dialect: Dialect, *, unless_newer: str = "", adding: str = "") -> Any:
    """Return an INSERT that replaces the row which has the same primary key; `Any`: each dialect has its own type.

    With `unless_newer` a row is kept that has a higher number in that column than the one that would replace it; the
    number in column `adding` is added to what is there.
    """
    statement = insert_on(dialect)(table)
    replaced: dict[str, Any] = {
        column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key
    }
    if adding:
        replaced[adding] = table.c[adding] + statement.excluded[adding]
    older = table.c[unless_newer] <= statement.excluded[unless_newer] if unless_newer else None
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced, where=older)
