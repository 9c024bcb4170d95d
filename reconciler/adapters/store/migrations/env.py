"""Alembic's entry: runs migrations on the connection, and in the transaction, that `store/migrate.py` hands over."""

from alembic import context

from reconciler.adapters.store.migrate import VERSION_TABLE
from reconciler.adapters.store.partial_indexes import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SCHEMA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite too: the transaction was begun by us, not by its driver
    render_as_batch=True,  # SQLite can't alter a table in place
)
with context.begin_transaction():
    context.run_migrations()
