"""The SQL store: everything durable, on SQLite in the data directory or on PostgreSQL, through one code path."""

from reconciler.adapters.store.sql_store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
