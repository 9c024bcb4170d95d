"""Several nodes: what controller and relay nodes tell each other, strangers, and epochs that fence memories."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0075"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables of the seam, and the columns that go with them."""
    op.create_table(
        "relay_nodes",
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("incarnation", sa.Integer, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("node", name="pk_relay_nodes"),
    )
    op.create_table(
        "relay_asks",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("desired", sa.Text),
        sa.PrimaryKeyConstraint("charger", name="pk_relay_asks"),
        sa.UniqueConstraint("seq", name="uq_relay_asks_seq"),
    )
    op.create_table(
        "relay_reports",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("incarnation", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("live", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("charger", name="pk_relay_reports"),
    )
    op.create_index("ix_relay_reports_node", "relay_reports", ["node", "incarnation", "seq"])
    op.create_table(
        "strangers",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Column("profile", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("knocks", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_strangers"),
    )
    op.create_index("ix_strangers_at", "strangers", ["at"])
    op.add_column("memories", sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("revisions", sa.Column("override_window", sa.Boolean, nullable=False, server_default=sa.false()))
