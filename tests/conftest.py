"""Fixtures for every test: databases to keep a store in, on both engines."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reconciler.adapters.store import open_store
from reconciler.app.ports import Store
from tests.support.postgres import Postgres, running_postgres

settings.register_profile("here", deadline=None)  # how fast a shared machine is says nothing about an example
settings.load_profile("here")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, one per test process."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; a test that takes it runs once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'fwdctl.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(store_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store; a test that takes it runs once on each engine."""
    opened = await open_store(store_url, tmp_path)
    yield opened
    await opened.close()
