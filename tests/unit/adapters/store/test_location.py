"""Which database a URL names, and that its password stays out of sight."""

from pathlib import Path

import pytest

from reconciler.adapters.store.location import PostgresDatabase, SqliteFile, locate
from reconciler.errors import FwdctlError

DATA = Path("data")


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_url_the_database_is_a_file_in_the_data_directory(nothing: str | None) -> None:
    assert locate(nothing, DATA) == SqliteFile(DATA / "fwdctl.db")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///relative.db", "relative.db"),
        ("sqlite:////var/lib/fwdctl/my.db", "/var/lib/fwdctl/my.db"),
        ("sqlite:///with%20space.db", "with space.db"),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: str) -> None:
    assert locate(url, DATA) == SqliteFile(Path(path))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cret@db.example:5432/fwdctl", "postgresql://db.example:5432/fwdctl"),
        ("postgres://ann:s3cret@db/fwdctl?sslmode=require", "postgresql://db/fwdctl"),
        ("postgresql://ann:s%40cret@[::1]:5432/fwdctl", "postgresql://[::1]:5432/fwdctl"),
        ("postgresql://ann@one:1,two:2/fwdctl?password=s3cret", "postgresql://one:1,two:2/fwdctl"),
        ("postgresql:///fwdctl?host=/run/postgresql&user=ann", "postgresql:///run/postgresql/fwdctl"),
    ],
)
def test_a_postgresql_url_is_kept_whole_and_shown_without_user_and_password(url: str, shown: str) -> None:
    found = locate(url, DATA)
    assert isinstance(found, PostgresDatabase)
    assert found.dsn == url
    assert str(found) == shown
    assert "cret" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:s3cret@db/fwdctl",
        "s3cret",
        "sqlite://",
        "sqlite:///",
        "sqlite://s3cret",
        "sqlite:///:memory:",
        "sqlite:///file.db?mode=s3cret",
        "postgresql://ann:s3@cret@db/fwdctl",
        "postgresql://ann:s3/cret@db/fwdctl",
        "postgresql://ann:s3#cret@db/fwdctl",
        "postgresql://ann:s3?cret@db/fwdctl",
        "postgresql://ann:12/s3cret@db/fwdctl",
        "postgresql://ann:s3[cret@db/fwdctl",
        "postgresql://db:s3cret/fwdctl",
        "postgresql://db/fwdctl?s3cret",
    ],
)
def test_any_other_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(FwdctlError) as refused:
        locate(url, DATA)
    assert refused.value.hint
    assert "cret" not in f"{refused.value.summary}{refused.value.hint}"
    assert refused.value.__cause__ is None
