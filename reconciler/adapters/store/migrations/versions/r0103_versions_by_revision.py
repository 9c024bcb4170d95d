"""What came and went with a revision is found without reading every version there ever was."""

from alembic import op

revision = "0103"
down_revision = "0090"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_resource_versions_revision", "resource_versions", ["revision"])
    op.create_index("ix_resource_versions_ended_by", "resource_versions", ["ended_by"])
