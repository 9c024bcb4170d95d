"""What nodes have each other do: errands, the keys that they are sealed for, and who listens to which charger."""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0082"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "node_keys",
        sa.Column("start", sa.Text, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("start", name="pk_node_keys"),
    )
    op.create_table(
        "errands",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("to_start", sa.Text, nullable=False),
        sa.Column("from_start", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("begin_before", INSTANT, nullable=False),
        sa.Column("is_taken", sa.Boolean, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.PrimaryKeyConstraint("seq", name="pk_errands"),
        sa.UniqueConstraint("id", name="uq_errands_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_errands_to_start", "errands", ["to_start", "is_taken"])
    op.create_table(
        "charger_ears",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("start", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("charger", "start", name="pk_charger_ears"),
    )
