"""Fixtures for every test: databases to keep a store in, on both engines."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reconciler.adapters.store import open_store
from reconciler.adapters.store.location import SQLITE_FILE
from reconciler.app.ports import Store
from tests.support.migrated import lay_sqlite, migrate
from tests.support.postgres import Postgres, running_postgres

settings.register_profile("here", deadline=None)  # how fast a shared machine is says nothing about an example
settings.load_profile("here")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, one per test process."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """The name of a database to make others from: it has the schema of this version, and nothing in it."""
    name = postgres.create_database()
    migrate(postgres.url(name))
    return name


@pytest.fixture
def postgres_url(postgres: Postgres, migrated_postgres: str) -> Iterator[str]:
    """The URL of a PostgreSQL database for a store, migrated."""
    name = postgres.create_database(like=migrated_postgres)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database for a store, migrated; a test that takes it runs once on each engine."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    file = tmp_path / "store" / SQLITE_FILE
    lay_sqlite(file)
    return f"sqlite:///{file}"


@pytest.fixture
async def store(store_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store; a test that takes it runs once on each engine."""
    opened = await open_store(store_url, tmp_path)
    yield opened
    await opened.close()
