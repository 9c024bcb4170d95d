"""Opening, migrating, restarting and failing, on both engines where both apply."""

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec.structs import replace
from sqlalchemy import Connection, text

from reconciler.adapters.store import open_store
from reconciler.adapters.store.engine import Database
from reconciler.adapters.store.location import locate
from reconciler.adapters.store.migrate import VERSION_TABLE, head_revisions, migrate
from reconciler.adapters.store.partial_indexes import SCHEMA
from reconciler.adapters.store.upgrade import MIGRATIONS
from reconciler.app.ports import ChargerMemory, HistoryFilter, ResourceWrite, Store
from reconciler.errors import FwdctlError, StalePlan
from reconciler.model.history import HistoryEvent
from reconciler.model.overrides import Override
from tests.support.postgres import GUARDED_USER, Postgres
from tests.support.store_process import BULK, EPOCH, META, StoreProcess, bulk, together

OVERRIDE = Override("o1", "cp001", {"local": "primary"}, EPOCH, None, "visit", "ann")
EVENT = HistoryEvent(EPOCH, "flip", "cp001 flipped", charger="cp001", details={"n": 1})
MEMORY = ChargerMemory("cp001", "ocpp1.6", b"{}", {"1": b"{}"}, {"n": 1})


async def test_everything_is_there_after_a_restart(store: Store, store_url: str, tmp_path: Path) -> None:
    await store.commit_revision([ResourceWrite("charger.cp001", {"n": 1}, 0)], META, "p1")
    await store.put_override(OVERRIDE)
    await store.record([EVENT])
    await store.remember([MEMORY])
    await store.acquire_lock("ann", "apply", EPOCH, lease_s=60)
    applied, lock = await store.resources(), await store.lock(EPOCH)
    await store.close()

    again = await open_store(store_url, tmp_path)
    assert await again.resources() == applied
    assert await again.overrides(EPOCH) == (OVERRIDE,)
    assert [replace(event, seq=0) for event in await again.history(HistoryFilter())] == [EVENT]
    assert await again.memories() == (MEMORY,)
    assert await again.lock(EPOCH) == lock
    with pytest.raises(StalePlan):
        await again.commit_revision([], META, "p1")
    await again.close()


@pytest.fixture
def empty_postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; a test that takes it runs once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'fwdctl.db'}"
    return str(request.getfixturevalue("empty_postgres_url"))


async def test_the_migrations_make_exactly_the_tables_that_the_code_uses(empty_url: str, tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), SCHEMA))

    database = await Database.open(locate(empty_url, tmp_path))
    await migrate(database)
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


def test_the_head_is_known_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert head_revisions() == set(ScriptDirectory.from_config(config).get_heads())


def test_a_database_of_this_version_is_opened_without_alembic(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from reconciler.adapters.store import open_store\n"
        "async def main(): await (await open_store(None, Path(sys.argv[1]))).close()\n"
        "asyncio.run(main()); print('alembic' in sys.modules)"
    )
    for migrates in ("True", "False"):
        ended = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
        )
        assert ended.stdout.strip() == migrates


async def test_processes_that_open_an_empty_database_together_all_get_it(empty_url: str) -> None:
    assert together("open", empty_url, "one", "two", "three") == ["0", "0", "0"]


async def test_different_databases_can_be_opened_at_the_same_time(empty_postgres_url: str, tmp_path: Path) -> None:
    urls = [empty_postgres_url, *(f"sqlite:///{tmp_path / name}.db" for name in "abc")]
    stores = await asyncio.gather(*(open_store(url, tmp_path) for url in urls))
    for store in stores:
        assert await store.commit_revision([], META, "p1") == 1
        await store.close()


async def test_a_database_of_a_newer_version_is_refused(store: Store, store_url: str, tmp_path: Path) -> None:
    database = await Database.open(locate(store_url, tmp_path))
    async with database.writing() as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    await database.close()
    with pytest.raises(FwdctlError, match=r"newer fwdctl .*9999") as refused:
        await open_store(store_url, tmp_path)
    assert "run that version" in refused.value.hint


async def test_a_database_shared_with_another_alembic_application_is_fine(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    database = await Database.open(locate(empty_postgres_url, tmp_path))
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
        await connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    await database.close()
    store = await open_store(empty_postgres_url, tmp_path)
    assert await store.resources() == (0, ())
    await store.close()


@pytest.mark.parametrize(("moment", "number"), [("before", 1), ("after", 2)])
async def test_a_writer_killed_in_a_commit_leaves_all_or_nothing(
    store: Store, store_url: str, moment: str, number: int
) -> None:
    await store.commit_revision(bulk(1), META, "first")
    writer = StoreProcess("commit", store_url, moment)
    assert writer.read() == "ready"
    writer.go()
    assert writer.read() == "hanging"
    writer.kill()

    revision, resources = await store.resources()
    assert revision == number
    assert [resource.content for resource in resources] == [{"number": number}] * BULK
    assert await store.commit_revision(bulk(number + 1), META, "next") == number + 1


async def test_without_a_url_the_database_is_private_to_its_user(tmp_path: Path) -> None:
    data = tmp_path / "some" / "data"
    store = await open_store(None, data)
    await store.commit_revision([], META, "p1")
    assert data.stat().st_mode & 0o777 == 0o700
    files = {path.name: path.stat().st_mode & 0o777 for path in data.iterdir()}
    assert files == {"fwdctl.db": 0o600, "fwdctl.db-wal": 0o600, "fwdctl.db-shm": 0o600}
    await store.close()
    assert [path.name for path in data.iterdir()] == ["fwdctl.db"]


async def test_a_database_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    (tmp_path / "fwdctl.db").touch(mode=0o644)
    store = await open_store(None, tmp_path)
    assert (tmp_path / "fwdctl.db").stat().st_mode & 0o777 == 0o600
    await store.close()


async def test_sqlite_keeps_what_it_confirmed_over_a_power_cut(tmp_path: Path) -> None:
    database = await Database.open(locate(None, tmp_path))
    async with database.writing() as connection:
        pragmas = [await connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
    await database.close()
    assert pragmas == ["wal", 2]


async def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FwdctlError, match=r"fwdctl\.db: ") as refused:
        await open_store(None, tmp_path / "file")
    assert refused.value.hint
    assert isinstance(refused.value.__cause__, OSError)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fwdctl.db").write_text("apiVersion: fwdctl/v1\n" * 100)
    with pytest.raises(FwdctlError, match="not a SQLite database") as refused:
        await open_store(None, tmp_path)
    assert isinstance(refused.value.__cause__, sqlite3.DatabaseError)


async def test_an_unreachable_server_is_named_without_the_password(unused_tcp_port: int, tmp_path: Path) -> None:
    with pytest.raises(FwdctlError, match="can't be reached") as refused:
        await open_store(f"postgresql://ann:s3cret@127.0.0.1:{unused_tcp_port}/fwdctl", tmp_path)
    assert f"127.0.0.1:{unused_tcp_port}/fwdctl" in refused.value.summary
    assert "s3cret" not in _everything_said(refused.value)


async def test_a_wrong_password_is_said_and_not_shown(
    postgres: Postgres, postgres_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    postgres.execute(f"CREATE ROLE {GUARDED_USER} LOGIN PASSWORD 'right'")
    try:
        with pytest.raises(FwdctlError, match="refuses the user or the password") as refused:
            await open_store(postgres_url.replace("postgres:@", f"{GUARDED_USER}:s3cret@"), tmp_path)
    finally:
        postgres.execute(f"DROP ROLE {GUARDED_USER}")
    assert "s3cret" not in _everything_said(refused.value)
    assert "s3cret" not in caplog.text


async def test_a_missing_postgresql_database_is_said(postgres: Postgres, tmp_path: Path) -> None:
    with pytest.raises(FwdctlError, match="the database does not exist") as refused:
        await open_store(postgres.url("nowhere"), tmp_path)
    assert "CREATE DATABASE" in refused.value.hint


async def test_connections_that_the_server_closed_are_replaced(
    postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    store = await open_store(postgres_url, tmp_path)
    await store.commit_revision([], META, "p1")
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert await store.commit_revision([], META, "p2") == 2
    await store.close()


@pytest.mark.parametrize("mode", [0o500, 0o000])
async def test_a_directory_that_may_not_be_written_is_refused(tmp_path: Path, mode: int) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    try:
        if os.geteuid() == 0:  # root may write anywhere: what it can't write is what is no directory
            data = Path("/proc/self")
        with pytest.raises(FwdctlError) as refused:
            await open_store(None, data / "data")
    finally:
        (tmp_path / "data").chmod(0o700)
    assert refused.value.hint
    assert str(data) in refused.value.summary


def _everything_said(error: BaseException | None) -> str:
    """Return the text of an error and of all it was raised from."""
    said = ""
    while error is not None:
        said += f"{error!s}{error!r}{getattr(error, 'hint', '')}\n"
        error = error.__cause__ or error.__context__
    return said
