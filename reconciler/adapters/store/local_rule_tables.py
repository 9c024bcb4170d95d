"""The tables of what `local` does by itself; part of the same schema as `tables.py`."""

from typing import Final

from sqlalchemy import JSON, BigInteger, Column, Float, Integer, Table, UniqueConstraint

from reconciler.adapters.store.tables import Instant, PlainText, metadata

load_limits: Final = Table(
    "load_limits",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("watts", Float, nullable=False),
)
"""The highest limit of a LoadPolicy that may stand in a charger."""

notifications: Final = Table(
    "notifications",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("rule", PlainText, nullable=False),
    Column("trouble", PlainText, nullable=False),
    Column("edge", PlainText, nullable=False),
    Column("recipient", PlainText, nullable=False),
    Column("secret", PlainText, nullable=True),
    Column("event", PlainText, nullable=False),
    Column("charger", PlainText, nullable=False),
    Column("summary", PlainText, nullable=False),
    Column("at", Instant, nullable=False),
    Column("claimed_at", Instant, nullable=False, index=True),
    Column("next_at", Instant, nullable=False),
    Column("status", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", PlainText, nullable=False),
    UniqueConstraint("rule", "trouble", "edge", "recipient"),
    sqlite_autoincrement=True,
)
"""One row per claim, as in `notices`."""

moments: Final = Table(
    "moments",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("event", PlainText, nullable=False),
    Column("key", PlainText, nullable=False),
    Column("about", PlainText, nullable=False),
    Column("at", Instant, nullable=False),
    Column("owners", JSON, nullable=False),
    Column("charger", PlainText, nullable=False),
    Column("detail", PlainText, nullable=False),
    sqlite_autoincrement=True,
)
"""What happened and nobody has decided on yet: see `app/moments.py`."""

suppressed_notifications: Final = Table(
    "suppressed_notifications",
    metadata,
    Column("rule", PlainText, primary_key=True),
    Column("event", PlainText, primary_key=True),
    Column("owner", PlainText, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
)
