"""An owner that is away with `whenOwnerIsDown: buffer`: the station goes on, and the owner misses nothing (R11)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LegPhase
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.relay.support import until
from tests.support.relay import PRIMARY, Relay, backend, charger, relay

VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


def keeping(owner: SimulatedCsms) -> DesiredCharger:
    """Return cp1 with an owner whose calls are kept while it is away."""
    desired = charger("cp1", [(backend("owner", owner.url, call_timeout_s=0.6, down_after_s=0.0), PRIMARY)])
    return replace(desired, when_owner_is_down="buffer")


@asynccontextmanager
async def in_mid_transaction(version: str) -> AsyncIterator[tuple[SimulatedCsms, Relay, SimulatedStation]]:
    """Give a station that charges, and whose owner has just gone."""
    async with SimulatedCsms("owner") as owner, relay() as running:
        await running.run(keeping(owner))
        async with SimulatedStation("CP1", running.url, version) as station:
            await station.boot()
            await station.start_transaction(1, "TAG")
            await owner.stop()
            await until(lambda: running.phase("cp1", "owner") is LegPhase.DOWN)
            yield owner, running, station


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_transaction_goes_on_and_ends_without_its_owner_who_gets_all_of_it_in_order_later(version: str) -> None:
    async with in_mid_transaction(version) as (owner, running, station):
        transaction = station.memory.transactions[1]
        for meter_wh in (100, 200, 300):
            await station.meter(transaction, meter_wh)
        await station.heartbeat()
        await station.stop_transaction(transaction)
        assert station.disconnects == []
        assert running.live("cp1").kept_calls == len(running.recorder.kept) == 4
        await owner.start()
        await owner.until(lambda: all(billed.stopped for billed in owner.transactions.values()))
        (billed,) = owner.transactions.values()
        assert (billed.meter_wh, billed.meter_stop_wh) == ([100, 200, 300], 300)
        assert billed.seq_nos == ([] if version == "ocpp1.6" else [0, 1, 2, 3, 4])
        await until(lambda: not running.recorder.kept)
        assert owner.violations == station.violations == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_was_kept_survives_a_restart_of_the_relay(version: str) -> None:
    async with AsyncExitStack() as stack:
        ends = await stack.enter_async_context(in_mid_transaction(version))
        owner, running, station = ends
        transaction = station.memory.transactions[1]
        await station.meter(transaction, 100)
        await station.stop_transaction(transaction)
        memories, kept = list(running.recorder.memories.values()), list(running.recorder.kept.values())
        assert len(kept) == 2
        await station.disconnect()
        await owner.start()
        async with relay() as after:
            after.node.restore(memories, kept)
            await after.run(keeping(owner))
            station.url_base = after.url
            await station.connect()
            await station.heartbeat()
            await owner.until(lambda: all(billed.stopped for billed in owner.transactions.values()))
            (billed,) = owner.transactions.values()
            assert billed.meter_wh == [100]
            await station.disconnect()


async def test_a_token_is_never_accepted_in_an_owner_s_name() -> None:
    async with in_mid_transaction("ocpp1.6") as (owner, _, station):
        with pytest.raises(Exception, match="InternalError: owner did not answer Authorize in time"):
            await station.authorize("OTHER")
        with pytest.raises(ConnectionError):
            await station.start_transaction(1, "OTHER")
        assert (await station.wait_disconnected()).code == 1013
        assert [call.action for call in owner.calls].count("StartTransaction") == 1
