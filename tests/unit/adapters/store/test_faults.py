"""What a failing database says to a person."""

import sqlite3
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import exc

from reconciler.adapters.store.faults import explain, explained
from reconciler.adapters.store.location import PostgresDatabase, SqliteFile
from reconciler.errors import FwdctlError, StalePlan

SERVER = PostgresDatabase(dsn="postgresql://ann:s3cret@db/fwdctl", shown="postgresql://db/fwdctl")
FILE = SqliteFile(Path("fwdctl.db"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (asyncpg.InvalidPasswordError("password authentication failed"), "user or the password"),
        (asyncpg.InvalidCatalogNameError("no such database"), "does not exist"),
        (asyncpg.InsufficientPrivilegeError("permission denied"), "may not do this"),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), "read-only"),
        (asyncpg.TooManyConnectionsError("sorry, too many clients"), "short of connections"),
        (asyncpg.CannotConnectNowError("starting up"), "starting up"),
        (asyncpg.ConnectionDoesNotExistError("closed"), "connection to the database is gone"),
        (ConnectionRefusedError(111, "Connection refused"), "can't be reached: Connection refused"),
        (TimeoutError(), "does not answer in time"),
        (exc.TimeoutError("QueuePool limit"), "does not answer in time"),
        (PermissionError(13, "Permission denied"), "no permission"),
        (asyncpg.PostgresError("something new\nDETAIL: more"), "failed: something new"),
    ],
)
def test_each_failure_says_where_what_and_what_to_do(error: Exception, words: str) -> None:
    said = explain(error, SERVER)
    assert said.summary.startswith("postgresql://db/fwdctl: ")
    assert words in said.summary
    assert "DETAIL" not in said.summary
    assert said.hint or "something new" in said.summary


def test_what_sqlite_raises_is_explained_and_chained() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA query_only = on")
    with pytest.raises(FwdctlError, match="the database file can't be written") as failed, explained(FILE):
        connection.execute("CREATE TABLE refused (id)")
    connection.close()
    assert isinstance(failed.value.__cause__, sqlite3.OperationalError)


def test_our_own_errors_pass_untouched() -> None:
    error = StalePlan("changed")
    with pytest.raises(StalePlan) as raised, explained(FILE):
        raise error
    assert raised.value is error
