"""What `local` had chargers do."""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0065"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table of operations."""
    op.create_table(
        "operations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("feature", sa.Text, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
    )
    op.create_index("ix_operations_charger", "operations", ["charger"])
    op.create_index("ix_operations_started_at", "operations", ["started_at"])
