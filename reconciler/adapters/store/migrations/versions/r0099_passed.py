"""How many messages passed of a charger, beside how it runs."""

import sqlalchemy as sa
from alembic import op

revision = "0099"
down_revision = "0085"


def upgrade() -> None:
    """Add the column; nodes that have not told yet have counted nothing."""
    op.add_column("relay_reports", sa.Column("passed", sa.Text, nullable=False, server_default="{}"))
