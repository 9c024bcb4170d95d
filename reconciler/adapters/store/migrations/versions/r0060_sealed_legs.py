"""What back-ends have set on their legs, encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0070"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "sealed_legs",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("backend", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("charger", "backend", name="pk_sealed_legs"),
    )
