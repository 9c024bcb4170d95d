"""Indexes over some rows of a table, for those who create or compare schemas.

Nobody else loads them: to declare one takes the whole dialect of PostgreSQL, for which every start would wait.
"""

from typing import Final

from sqlalchemy import Index, MetaData, text

from reconciler.adapters.store.tables import metadata, resource_versions, rollout_steps

Index(
    "ix_resource_versions_current",
    resource_versions.c.address,
    unique=True,
    sqlite_where=resource_versions.c.ended_by.is_(None),
    postgresql_where=resource_versions.c.ended_by.is_(None),
)

Index(
    "ix_resource_versions_ended_by",
    resource_versions.c.ended_by,
    sqlite_where=resource_versions.c.ended_by.is_not(None),
    postgresql_where=resource_versions.c.ended_by.is_not(None),
)

Index(
    "ix_rollout_steps_held",
    rollout_steps.c.charger,
    sqlite_where=text("state IN ('waiting', 'paused')"),
    postgresql_where=text("state IN ('waiting', 'paused')"),
)

SCHEMA: Final[MetaData] = metadata
"""Every table, these indexes included."""
