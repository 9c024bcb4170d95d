"""CSMS connections that end: dialled again with back-off, and registered anew as a charger that came back (R9)."""

import asyncio
import itertools

from reconciler.app.csms_connection import RedialPolicy
from reconciler.model.live import LegPhase
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.relay.support import booted, pair, station, until
from tests.support.relay import PASSIVE, PRIMARY, backend, charger, relay


async def test_a_csms_that_restarts_learns_the_boot_and_every_connector_s_last_status_before_anything_else() -> None:
    async with pair() as between, booted(between, connectors=2) as connected:
        await connected.status(1, "Preparing")
        await connected.status(2, "Faulted", error="GroundFailure")
        first_boot = (await between.b.wait_for("BootNotification")).payload
        await between.b.wait_for("StatusNotification", count=5)
        before = len(between.b.calls)
        await between.b.stop()
        await connected.authorize("MEANWHILE")
        await between.b.start()
        await between.b.until(lambda: len(between.b.calls) >= before + 5)
        boot, *statuses, last = between.b.calls[before : before + 5]
        assert (boot.action, boot.payload) == ("BootNotification", first_boot)
        assert [call.action for call in statuses] == ["StatusNotification"] * 3
        shown = {call.payload["connectorId"]: (call.payload["status"], call.payload["errorCode"]) for call in statuses}
        assert shown == {0: ("Available", "NoError"), 1: ("Preparing", "NoError"), 2: ("Faulted", "GroundFailure")}
        assert last.action == "Authorize"  # the copy that waited
        assert between.b.violations == []
        assert connected.disconnects == []


async def test_an_owner_that_restarts_is_registered_and_owns_again() -> None:
    async with pair() as between, booted(between) as connected:
        transaction = await connected.start_transaction(1, "TAG")
        await between.a.stop()
        await between.a.start()
        await connected.meter(transaction, 100)
        await connected.stop_transaction(transaction)
        assert between.a.transactions[100].stopped
        await between.b.until(lambda: between.b.transactions[900].stopped)
        assert [call.action for call in between.a.calls].count("BootNotification") == 2
        assert await between.a.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
        assert between.a.violations == between.b.violations == []


async def test_heartbeats_follow_each_back_end_s_own_interval() -> None:
    async with pair() as between:
        between.b.books.heartbeat_interval_s = 1
        async with booted(between) as connected:
            await between.b.wait_for("Heartbeat", count=2)
            assert [call.action for call in between.a.calls].count("Heartbeat") == 0
            await connected.heartbeat()
            assert [call.action for call in between.a.calls].count("Heartbeat") == 1
            between.clean(connected)


async def test_a_back_end_whose_address_changes_is_dialled_there_at_once_and_the_station_stays() -> None:
    slow = RedialPolicy(first_s=30.0)  # none of its waits is waited for
    async with (
        SimulatedCsms("a") as a,
        SimulatedCsms("old") as old,
        SimulatedCsms("new") as new,
        relay(redial=slow) as running,
    ):
        for csms in (old, new):
            await running.run(charger("cp1", [(backend("a", a.url), PRIMARY), (backend("b", csms.url), PASSIVE)]))
            if csms is old:
                connected = SimulatedStation("CP1", running.url)
                await connected.connect()
                await connected.boot()
            await csms.wait_for("BootNotification")
            await until(lambda: running.phase("cp1", "b") is LegPhase.REGISTERED)
        assert old.stations == {}
        assert connected.disconnects == []
        await connected.disconnect()


async def test_a_back_end_whose_address_changes_while_it_is_dialled_is_dialled_at_the_new_one() -> None:
    async with (
        SimulatedCsms("a") as a,
        SimulatedCsms("old") as old,
        SimulatedCsms("new") as new,
        relay(redial=RedialPolicy(first_s=30.0)) as running,
    ):
        old.manners.handshake_held = asyncio.Event()
        await running.run(charger("cp1", [(backend("a", a.url), PRIMARY), (backend("b", old.url), PASSIVE)]))
        async with station(running) as connected:
            await connected.boot()
            await old.until(lambda: bool(old.connections))
            await running.run(charger("cp1", [(backend("a", a.url), PRIMARY), (backend("b", new.url), PASSIVE)]))
            await new.wait_for("BootNotification")
            old.manners.handshake_held.set()
            await connected.authorize("TAG")
            await new.wait_for("Authorize")
            assert old.stations == {}


async def test_a_back_end_that_refuses_is_dialled_with_growing_waits() -> None:
    policy = RedialPolicy(first_s=0.02, longest_s=10.0)
    async with SimulatedCsms("a") as a, SimulatedCsms("b") as b, relay(redial=policy) as running:
        b.manners.refuse_status = 503
        legs = [(backend("a", a.url), PRIMARY), (backend("b", b.url), PASSIVE)]
        await running.run(charger("cp1", legs))
        times: list[float] = []
        async with station(running):
            for number in range(1, 7):
                await b.until(lambda number=number: len(b.connections) >= number)
                times.append(asyncio.get_running_loop().time())
        waits = [later - earlier for earlier, later in itertools.pairwise(times)]
        # Each is twice the last one, times 0.5 to 1.5; without growth none would be longer than 0.03 s.
        assert waits[4] > 0.02 * 2**4 * 0.45


async def test_a_back_end_that_closes_right_after_each_handshake_is_not_dialled_in_a_tight_loop() -> None:
    policy = RedialPolicy(first_s=0.02, longest_s=10.0)
    async with SimulatedCsms("a") as a, SimulatedCsms("b") as b, relay(redial=policy) as running:
        b.manners.close_on_connect = (1011, "unknown charging station")
        legs = [(backend("a", a.url), PRIMARY), (backend("b", b.url), PASSIVE)]
        await running.run(charger("cp1", legs))
        async with station(running) as connected:
            await connected.boot()
            began = asyncio.get_running_loop().time()
            await b.until(lambda: len(b.connections) >= 5)
            assert asyncio.get_running_loop().time() - began > 0.02 * (1 + 2 + 4 + 8) / 2
            await until(lambda: running.phase("cp1", "b") is LegPhase.DOWN)
            assert connected.disconnects == []
