"""The tables of what nodes have each other do, see `app/errand_rows.py`."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table

from reconciler.adapters.store.tables import Instant, PlainText, metadata

node_keys: Final = Table(
    "node_keys",
    metadata,
    Column("start", PlainText, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)

errands: Final = Table(
    "errands",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("id", PlainText, nullable=False, unique=True),
    Column("to_start", PlainText, nullable=False),
    Column("from_start", PlainText, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("begin_before", Instant, nullable=False),
    Column("is_taken", Boolean, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    Index("ix_errands_to_start", "to_start", "is_taken"),
    sqlite_autoincrement=True,
)
"""Bodies and answers are sealed for the node that is to read them: what stations are told may hold secrets."""

charger_ears: Final = Table(
    "charger_ears",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("start", PlainText, primary_key=True),
)
