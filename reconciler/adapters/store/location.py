"""Where the database is: a SQLite file or a PostgreSQL URL, checked before anything is opened."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from reconciler.errors import FwdctlError

SQLITE_FILE: Final = "fwdctl.db"
"""The database's name in the data directory."""

_URL_FORMS: Final = "write postgresql://user:password@host/database or sqlite:///path/to/file"
_HOST: Final = re.compile(r"(\[[\w:.%]+\]|[\w.-]*)(:\d+)?")


class SqliteFile(msgspec.Struct, frozen=True):
    """A SQLite database file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A PostgreSQL database; `dsn` may hold a password and is never shown, `shown` is what messages say."""

    dsn: str = field(repr=False)
    shown: str

    def __str__(self) -> str:
        return self.shown


Location = SqliteFile | PostgresDatabase


def locate(url: str | None, data_dir: Path) -> Location:
    """Return the database that `url` names, or the one in `data_dir` where there is no URL.

    Every parameter that libpq knows may stand in a PostgreSQL URL (`?sslmode=verify-full&sslrootcert=...`), and
    its PG* variables and password file count. Raises FwdctlError where the URL names no database; the message
    never repeats the URL, which may hold a password.
    """
    if not url:
        return SqliteFile(data_dir / SQLITE_FILE)
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in ("postgresql", "postgres"):
        return _postgres(url)
    raise FwdctlError("the database URL is neither postgresql:// nor sqlite://", hint=_URL_FORMS)


def _sqlite(url: str) -> SqliteFile:
    path = unquote(url.removeprefix("sqlite:///"))
    if path == url or not path or path.startswith(":memory:") or "?" in path:
        raise FwdctlError("the sqlite URL does not name a file", hint=_URL_FORMS)
    return SqliteFile(Path(path))


def _postgres(url: str) -> PostgresDatabase:
    # A delimiter inside a password moves parts of it into the host, the path or the query, and from there into
    # messages. Such a URL still has its "@" after what then looks like the authority, or more than one.
    unreadable = FwdctlError(
        "the database URL can't be read",
        hint='percent-encode special characters in user and password: "@" is %40, "/" %2F, "#" %23, "?" %3F',
    )
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise unreadable from None  # it would quote the URL
    hosts = parts.netloc.rpartition("@")[2]
    misplaced = url.count("@") > parts.netloc.count("@") or parts.netloc.count("@") > 1
    if misplaced or "#" in url or not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        raise unreadable
    return PostgresDatabase(dsn=url, shown=f"postgresql://{hosts or ','.join(query.get('host', ()))}{parts.path}")
