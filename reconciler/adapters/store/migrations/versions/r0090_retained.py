"""How far back the store goes, and indexes to find the versions and revisions that may go."""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0099"


def upgrade() -> None:
    """Create the table and the indexes; nothing is forgotten yet."""
    op.create_table(
        "retained",
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("what", name="pk_retained"),
    )
    op.create_index("ix_resource_versions_revision", "resource_versions", ["revision"])
    ended = sa.text("ended_by IS NOT NULL")
    op.create_index(
        "ix_resource_versions_ended_by",
        "resource_versions",
        ["ended_by"],
        sqlite_where=ended,
        postgresql_where=ended,
    )
