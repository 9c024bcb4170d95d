"""The tables of the seam between controller and relay nodes, see `app/relay_rows.py`."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from reconciler.adapters.store.tables import Instant, PlainText, metadata

relay_nodes: Final = Table(
    "relay_nodes",
    metadata,
    Column("node", PlainText, primary_key=True),
    Column("incarnation", Integer, nullable=False),
    Column("until", Instant, nullable=False),
)

relay_asks: Final = Table(
    "relay_asks",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("desired", PlainText, nullable=True),
)
"""`desired` is JSON, never with a secret; null for a charger that is not declared any more."""

relay_reports: Final = Table(
    "relay_reports",
    metadata,
    Column("charger", PlainText, primary_key=True),
    Column("node", PlainText, nullable=False),
    Column("incarnation", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("live", PlainText, nullable=False),
    Column("passed", PlainText, nullable=False, server_default="{}"),
    Index("ix_relay_reports_node", "node", "incarnation", "seq"),
)
