"""When an apply ended, or was stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0081"


def upgrade() -> None:
    """Add the column; of applies that are over already nobody knows."""
    op.add_column("rollouts", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
