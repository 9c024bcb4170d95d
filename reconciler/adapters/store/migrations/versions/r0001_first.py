"""The first schema. Never edited once released: a change is a new file beside it, `down_revision` naming the last one.

Written out, and not taken from `tables.py`, because that moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "revisions",
        sa.Column("revision", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("plan_id", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("git_author", sa.Text, nullable=False),
        sa.Column("git_commit", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_revisions"),
        sa.UniqueConstraint("plan_id", name="uq_revisions_plan_id"),
    )
    op.create_table(
        "resource_versions",
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("ended_by", sa.Integer),
        sa.PrimaryKeyConstraint("address", "version", name="pk_resource_versions"),
        sa.ForeignKeyConstraint(["revision"], ["revisions.revision"], name="fk_resource_versions_revision"),
        sa.ForeignKeyConstraint(["ended_by"], ["revisions.revision"], name="fk_resource_versions_ended_by"),
    )
    op.create_index(
        "ix_resource_versions_current",
        "resource_versions",
        ["address"],
        unique=True,
        sqlite_where=sa.text("ended_by IS NULL"),
        postgresql_where=sa.text("ended_by IS NULL"),
    )
    op.create_table(
        "overrides",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("start", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_overrides"),
    )
    op.create_index("ix_overrides_charger", "overrides", ["charger"])
    op.create_table(
        "begun_outages",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("chargers", sa.JSON, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("start", INSTANT, nullable=False),
        sa.Column("duration_s", sa.Integer, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("open_transaction", sa.Text),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_begun_outages"),
    )
    op.create_table(
        "outage_adjustments",
        sa.Column("outage", sa.Text, nullable=False),
        sa.Column("opening", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("outage", "opening", name="pk_outage_adjustments"),
    )
    op.create_table(
        "failovers",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("backend", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("back", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("charger", "backend", name="pk_failovers"),
    )
    op.create_table(
        "notices",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("occurrence", sa.Text, nullable=False),
        sa.Column("edge", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("backend", sa.Text, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("outage", sa.Text, nullable=False),
        sa.Column("opening", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("chargers", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_notices"),
        sa.UniqueConstraint("occurrence", "edge", "recipient", name="uq_notices_occurrence"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_until", "notices", ["until"])
    op.create_table(
        "duties",
        sa.Column("duty", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("incarnation", sa.Integer, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("duty", name="pk_duties"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("details", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_charger", "events", ["charger", "seq"])
    op.create_index("ix_events_kind", "events", ["kind", "seq"])
    op.create_table(
        "locks",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("acquired_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_locks"),
    )
    op.create_table(
        "memories",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("boot", sa.LargeBinary),
        sa.Column("statuses", sa.JSON, nullable=False),
        sa.Column("ids", sa.JSON, nullable=False),
        sa.Column("profile", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("charger", name="pk_memories"),
    )
    op.create_table(
        "kept_calls",
        sa.Column("charger", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("charger", "seq", name="pk_kept_calls"),
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("access", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_access_tokens"),
        sa.UniqueConstraint("digest", name="uq_access_tokens_digest"),
    )
