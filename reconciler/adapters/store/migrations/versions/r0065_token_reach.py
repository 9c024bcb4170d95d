"""Access tokens for some chargers only: the labels that those must have."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0001"


def upgrade() -> None:
    """Add the labels; tokens given before are for all chargers."""
    with op.batch_alter_table("access_tokens") as table:
        table.add_column(sa.Column("select", sa.JSON, nullable=False, server_default="{}"))
    with op.batch_alter_table("access_tokens") as table:
        table.alter_column("select", server_default=None)
