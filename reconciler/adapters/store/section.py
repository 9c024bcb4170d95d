"""A section of the store: one concept's part of the Store port, over the shared database."""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.adapters.store.engine import Database

_IN_LIST: Final = 500
"""Names in one statement: both engines bound its parameters."""


class Section:
    """What every section has: the database it reads and writes."""

    def __init__(self, database: Database) -> None:
        self._database = database


def in_lists(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return `names` in parts, each of which fits into one statement's IN."""
    return (names[start : start + _IN_LIST] for start in range(0, len(names), _IN_LIST))
