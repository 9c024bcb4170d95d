"""What `local` does by itself: the limits that stand in chargers, the notifications sent, and those that were not."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0040"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "load_limits",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("watts", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("charger", name="pk_load_limits"),
    )
    op.create_table(
        "notifications",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("edge", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_notifications"),
        sa.UniqueConstraint("rule", "trouble", "edge", "recipient", name="uq_notifications_rule"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notifications_claimed_at", "notifications", ["claimed_at"])
    op.create_table(
        "suppressed_notifications",
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("rule", "event", "owner", name="pk_suppressed_notifications"),
    )
