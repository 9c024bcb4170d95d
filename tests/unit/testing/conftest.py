"""Fixtures of the simulated ends' own tests: they meet on loopback, and leave nothing behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from reconciler.testing import SimulatedCsms


@pytest.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    yield
    await asyncio.sleep(0)
    left = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    assert not left


@pytest.fixture
async def csms(no_leaked_tasks: None) -> AsyncIterator[SimulatedCsms]:
    """A CSMS with good manners that speaks every version."""
    async with SimulatedCsms("csms", first_transaction_id=700) as running:
        yield running
