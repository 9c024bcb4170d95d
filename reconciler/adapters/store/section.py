"""A section of the store: one concept's part of the Store port, over the shared database."""

from reconciler.adapters.store.engine import Database


class Section:
    """What every section has: the database it reads and writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
