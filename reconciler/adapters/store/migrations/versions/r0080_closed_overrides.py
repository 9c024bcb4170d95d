"""Overrides that were closed, by somebody or by time: what ends is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0050"


def upgrade() -> None:
    """Take those there are for closed: what runs out while the server is updated is missing from history, not twice in it."""
    op.add_column("overrides", sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.true()))
