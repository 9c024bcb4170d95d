"""A passive back-end in any kind of trouble: the station and its owner notice nothing (R7)."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from reconciler.model.live import LegPhase
from reconciler.testing import CsmsManners, SimulatedCsms, SimulatedStation
from tests.integration.relay.support import station as connected_station
from tests.integration.relay.support import until
from tests.support.csms_process import CsmsProcess
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

CALLS = 50
SOON_S = 1.0
"""Far above what an answer takes on a busy machine, far below every timeout that a passive leg may run into."""


@asynccontextmanager
async def beside(passive_url: str) -> AsyncIterator[tuple[SimulatedCsms, Relay]]:
    """Run a relay whose charger is owned by a healthy CSMS, with a passive back-end at that URL."""
    async with SimulatedCsms("owner", manners=CsmsManners(require_boot_first=True)) as owner, relay() as running:
        legs = [(backend("owner", owner.url), PRIMARY), (backend("passive", passive_url), PASSIVE)]
        await running.run(charger("cp1", legs))
        yield owner, running


async def nothing_is_noticed(owner: SimulatedCsms, station: SimulatedStation) -> None:
    """Let the station live through a transaction with many calls, each answered soon, and be commanded meanwhile."""
    loop = asyncio.get_running_loop()
    slowest = 0.0
    transaction = await station.start_transaction(1, "TAG")
    for number in range(CALLS):
        began = loop.time()
        await station.meter(transaction, number)
        slowest = max(slowest, loop.time() - began)
        if number % 10 == 0:
            assert (await owner.call("CP1", "GetConfiguration", {"key": ["HeartbeatInterval"]}))["configurationKey"]
    await station.stop_transaction(transaction)
    assert slowest < SOON_S
    (billed,) = owner.transactions.values()
    assert billed.stopped
    assert billed.meter_wh == list(range(CALLS))
    assert owner.violations == station.violations == station.disconnects == []


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_passive_back_end_that_is_down_all_the_time_is_not_noticed() -> None:
    async with beside(f"ws://127.0.0.1:{free_port()}") as (owner, running), connected_station(running) as station:
        await station.boot()
        await nothing_is_noticed(owner, station)
        passive = next(leg for leg in running.live("cp1").legs if leg.backend == "passive")
        assert passive.phase is LegPhase.DOWN
        assert "connection refused" in passive.detail


async def test_a_passive_back_end_that_is_frozen_before_the_station_connects_is_not_noticed() -> None:
    """Its kernel still accepts connections, and the handshake is never answered."""
    async with CsmsProcess("passive") as passive, beside(passive.url) as (owner, running):
        passive.freeze()
        async with connected_station(running) as station:
            await station.boot()
            await nothing_is_noticed(owner, station)
            assert running.phase("cp1", "passive") in (LegPhase.DIALLING, LegPhase.DOWN)


@pytest.mark.parametrize("trouble", [CsmsProcess.freeze, CsmsProcess.kill], ids=["freezes", "dies"])
async def test_a_passive_back_end_that_stops_while_the_station_is_connected_is_not_noticed(
    trouble: Callable[[CsmsProcess], None],
) -> None:
    async with (
        CsmsProcess("passive") as passive,
        beside(passive.url) as (owner, running),
        connected_station(running) as station,
    ):
        await station.boot()
        await until(lambda: running.phase("cp1", "passive") is LegPhase.REGISTERED)
        trouble(passive)
        await nothing_is_noticed(owner, station)


async def test_a_passive_back_end_that_dies_during_its_registration_is_not_noticed() -> None:
    async with SimulatedCsms("passive") as passive, beside(passive.url) as (owner, running):
        passive.manners.never_answer.add("BootNotification")
        async with connected_station(running) as station:
            await station.boot()
            await passive.wait_for("BootNotification")
            passive.cut("CP1")
            await nothing_is_noticed(owner, station)


async def test_a_passive_back_end_that_answers_nothing_gets_one_copy_at_a_time_and_is_not_noticed() -> None:
    async with (
        SimulatedCsms("passive") as passive,
        beside(passive.url) as (owner, running),
        connected_station(running) as station,
    ):
        await station.boot()
        await until(lambda: running.phase("cp1", "passive") is LegPhase.REGISTERED)
        passive.manners.silent = True
        await nothing_is_noticed(owner, station)
        assert [call.action for call in passive.calls] == ["BootNotification", "StartTransaction"]


async def test_a_passive_back_end_that_comes_back_is_registered_anew_and_follows_again() -> None:
    async with (
        SimulatedCsms("passive") as passive,
        beside(passive.url) as (owner, running),
        connected_station(running) as station,
    ):
        await station.boot()
        await station.announce()
        await until(lambda: running.phase("cp1", "passive") is LegPhase.REGISTERED)
        await passive.stop()
        await nothing_is_noticed(owner, station)
        seen = len(passive.calls)
        await passive.start()
        await until(lambda: running.phase("cp1", "passive") is LegPhase.REGISTERED)
        await station.authorize("LATER")
        await passive.wait_for("Authorize")
        replayed = [call.action for call in passive.calls[seen:]]
        assert replayed[:3] == ["BootNotification", "StatusNotification", "StatusNotification"]
        assert passive.violations == []


async def test_ten_passive_back_ends_in_trouble_at_once_are_not_noticed() -> None:
    async with SimulatedCsms("owner") as owner, SimulatedCsms("mute") as mute, relay() as running:
        mute.manners.silent = True
        passive = [(backend(f"down{number}", f"ws://127.0.0.1:{free_port()}"), PASSIVE) for number in range(5)]
        passive += [(backend(f"mute{number}", mute.url + f"/{number}"), PASSIVE) for number in range(5)]
        await running.run(charger("cp1", [(backend("owner", owner.url), PRIMARY), *passive]))
        async with connected_station(running) as station:
            await station.boot()
            await nothing_is_noticed(owner, station)
