"""Bulk: thousands of rows into one table, at a fraction of what a statement with a parameter set for each row costs.

SQLAlchemy compiles the statement and knows how each column's values are written; it does neither again for every row.
Of values that follow one another and are the same object one is converted: events of a flip differ in little.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

AT_ONCE: Final = 100
"""Rows in one statement: both engines bound its parameters, and between two of them the event loop gets its turn."""


class BulkInsert:
    """Inserts rows of `table` that have values for these columns, in this order."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = tuple(columns)
        self._texts: dict[tuple[str, int], str] = {}

    async def write(self, connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> None:
        """Insert the rows in this order, within the transaction of `connection`."""
        dialect = connection.dialect
        for start in range(0, len(rows), AT_ONCE):
            some = self._converted(rows[start : start + AT_ONCE], dialect)
            if len(some) == AT_ONCE:
                await connection.exec_driver_sql(self._text(AT_ONCE, dialect), tuple(chain.from_iterable(some)))
            else:
                await connection.exec_driver_sql(self._text(1, dialect), some)

    def _converted(self, rows: Sequence[Sequence[Any]], dialect: Dialect) -> list[tuple[Any, ...]]:
        types = (self._table.c[name].type.dialect_impl(dialect) for name in self._columns)
        columns = zip(types, zip(*rows, strict=True), strict=True)
        return list(zip(*(_each(type_.bind_processor(dialect), values) for type_, values in columns), strict=True))

    def _text(self, count: int, dialect: Dialect) -> str:
        """Return the statement for so many rows."""
        text = self._texts.get((dialect.name, count))
        if text is None:
            rows = [dict.fromkeys(self._columns)] * count
            text = self._texts[dialect.name, count] = str(insert(self._table).values(rows).compile(dialect=dialect))
        return text


def _each(convert: Callable[[Any], Any] | None, values: Iterable[Any]) -> Iterable[Any]:
    """Return the values as the driver takes them."""
    if convert is None:
        return values
    last, written, found = object(), None, []
    for value in values:
        if value is not last:
            last, written = value, convert(value)
        found.append(written)
    return found
