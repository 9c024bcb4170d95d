"""What went wrong in the database, in words a person can act on; never with a parameter or a password."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

from reconciler.adapters.store.location import Location, SqliteFile
from reconciler.errors import FwdctlError

_FAULTS: Final[tuple[tuple[str, str, str], ...]] = (
    # beginning of the SQLSTATE or of SQLite's error name, what to say, what to do
    ("28", "PostgreSQL refuses the user or the password", "check the user and password in the database URL"),
    ("3D", "the database does not exist", "create it (CREATE DATABASE), or correct the database URL"),
    ("42501", "the database user may not do this", "make the user the owner of the database"),
    ("25006", "the database is read-only (a standby?)", "point the database URL at the primary server"),
    ("53", "the database server is short of connections, memory or disk space", "see the server's log"),
    ("57P", "the database server is starting up or shutting down", "try again when it is up"),
    ("08", "the connection to the database is gone", "check that the server is up and reachable"),
    ("SQLITE_CANTOPEN", "the database file can't be opened", "check that its directory is there and writable"),
    ("SQLITE_READONLY", "the database file can't be written", "check who owns the file and its directory"),
    ("SQLITE_PERM", "the database file can't be written", "check who owns the file and its directory"),
    ("SQLITE_BUSY", "another process keeps the database locked", "see which process has the file open (fuser)"),
    ("SQLITE_FULL", "the disk is full", "free some space"),
    ("SQLITE_IOERR", "the disk can't be read or written", "check the disk; the file must be on a local one"),
    ("SQLITE_NOTADB", "the file is not a SQLite database", "restore a backup, or choose another --data directory"),
    ("SQLITE_CORRUPT", "the database file is damaged", "restore a backup"),
)


@contextmanager
def explained(location: Location) -> Iterator[None]:
    """Turn what the database or its driver raises inside into a FwdctlError about `location`, chained."""
    try:
        yield
    except exc.DBAPIError as error:
        raise explain(error.orig or error, location) from error
    except (exc.TimeoutError, OSError) as error:
        raise explain(error, location) from error
    except _driver_faults(location) as error:
        raise explain(error, location) from error


def _driver_faults(location: Location) -> tuple[type[Exception], ...]:
    """Return what the driver itself raises."""
    if isinstance(location, SqliteFile):
        return (sqlite3.Error,)
    import asyncpg  # here, as in `engine`: a server on SQLite starts without it

    return asyncpg.PostgresError, asyncpg.InterfaceError


def explain(error: BaseException, location: Location) -> FwdctlError:
    """Return the error to raise for what a driver raised (`error`)."""
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or ""
    for prefix, summary, hint in _FAULTS:
        if code.startswith(prefix):
            return FwdctlError(f"{location}: {summary}", hint=hint)
    if isinstance(error, PermissionError):
        return FwdctlError(f"{location}: no permission to write there", hint="check who owns the data directory")
    if isinstance(error, TimeoutError | exc.TimeoutError):
        return FwdctlError(f"{location}: the database does not answer in time", hint="check its load and the network")
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        return FwdctlError(f"{location}: the database can't be reached: {what}", hint="check that it is up")
    return FwdctlError(f"{location}: the database failed: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
