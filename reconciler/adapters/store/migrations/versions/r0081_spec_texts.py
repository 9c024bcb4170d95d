"""The digest of the text that an applied resource was declared with, so that it need not be read again."""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"


def upgrade() -> None:
    """Add the column."""
    op.add_column("resource_versions", sa.Column("text", sa.Text, nullable=True))
