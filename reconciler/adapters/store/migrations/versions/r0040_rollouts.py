"""Applies are journalled: rollouts, a step for each charger; and chargers that are paused."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0060"

INSTANT = sa.DateTime(timezone=True)
HELD = sa.text("state IN ('waiting', 'paused')")


def upgrade() -> None:
    """Create them, empty: what was applied before is done."""
    op.create_table(
        "rollouts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("order", sa.JSON, nullable=False),
        sa.Column("plan", sa.LargeBinary),
        sa.Column("plan_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("outcome", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollouts"),
    )
    op.create_index("ix_rollouts_state", "rollouts", ["state"])
    op.create_table(
        "rollout_steps",
        sa.Column("rollout", sa.Text, nullable=False),
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("disruption", sa.Text, nullable=False),
        sa.Column("canary", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("rollout", "charger", name="pk_rollout_steps"),
        sa.ForeignKeyConstraint(["rollout"], ["rollouts.id"], name="fk_rollout_steps_rollout", ondelete="CASCADE"),
    )
    op.create_index(
        "ix_rollout_steps_held", "rollout_steps", ["charger"], sqlite_where=HELD, postgresql_where=HELD
    )
    op.create_table(
        "pauses",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("charger", name="pk_pauses"),
    )
