"""What a charger's sessions know survives the relay: boot, statuses, transaction ids (R9)."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.ports import ChargerMemory
from reconciler.model.live import Ack, LegPhase, Refusal
from reconciler.testing import CsmsManners, SimulatedCsms, SimulatedStation
from tests.integration.relay.support import until
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay


class Restartable:
    """Two CSMSs and a station that outlive their relays; each relay is given what the last one remembered."""

    def __init__(self, stack: AsyncExitStack, a: SimulatedCsms, b: SimulatedCsms) -> None:
        self.a = a
        self.b = b
        self.station: Any = None
        self.relay: Relay
        self._stack = stack
        self._running = AsyncExitStack()

    async def start(
        self, memories: list[ChargerMemory], version: str, owner: SimulatedCsms | None = None, policy: Any = "proceed"
    ) -> None:
        """Start a relay and connect the station to it."""
        self.relay = await self._running.enter_async_context(relay())
        self.relay.node.restore(memories)
        await self.declare(owner or self.a, policy)
        if self.station is None:
            self.station = SimulatedStation("CP1", self.relay.url, version)
            self._stack.push_async_callback(self.station.disconnect)
        self.station.url_base = self.relay.url
        await self.station.connect()

    async def declare(self, owner: SimulatedCsms, policy: Any = "proceed") -> Any:
        """Make a CSMS the primary; `policy` is what an open transaction has to say about it."""
        roles = (PRIMARY, PASSIVE) if owner is self.a else (PASSIVE, PRIMARY)
        legs = [(backend(csms.name, csms.url), role) for csms, role in zip((self.a, self.b), roles, strict=True)]
        declared = charger("cp1", legs, confirm_within_s=0.5)
        return await self.relay.run(replace(declared, flip=replace(declared.flip, open_transaction=policy)))

    async def restart(self, version: str, owner: SimulatedCsms | None = None, policy: Any = "proceed") -> None:
        """Stop the relay, as a process ends, and start another one that knows what the store would."""
        memory = self.relay.recorder.memories["cp1"]
        stored = replace(memory, ids=json.loads(json.dumps(memory.ids)))
        await self.stop()
        for csms in (self.a, self.b):
            await csms.wait_disconnected("CP1")
        await self.start([stored], version, owner, policy)

    async def stop(self) -> None:
        """Stop the relay."""
        running, self._running = self._running, AsyncExitStack()
        await running.aclose()


@asynccontextmanager
async def restartable(version: str = "ocpp1.6") -> AsyncIterator[Restartable]:
    """Give a station that booted through a relay that can be restarted."""
    strict = CsmsManners(require_boot_first=True)
    async with (
        SimulatedCsms("a", first_transaction_id=100, manners=strict) as a,
        SimulatedCsms("b", first_transaction_id=900, manners=strict) as b,
        AsyncExitStack() as stack,
    ):
        ends = Restartable(stack, a, b)
        await ends.start([], version)
        stack.push_async_callback(ends.stop)
        await ends.station.boot()
        await ends.station.announce()
        yield ends


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_restart_of_the_relay_in_mid_transaction_is_seen_by_no_back_end_as_more_than_a_reconnection(
    version: str,
) -> None:
    async with restartable(version) as ends:
        transaction = await ends.station.start_transaction(1, "TAG")
        await ends.station.meter(transaction, 100)
        await ends.b.until(lambda: any(billed.meter_wh for billed in ends.b.transactions.values()))
        await ends.restart(version)
        await ends.station.meter(transaction, 200)
        (open_,) = ends.relay.live("cp1").transactions
        assert (open_.id, open_.owner, open_.connector) == (str(transaction.id), "a", "1")
        await ends.station.stop_transaction(transaction)
        for csms in (ends.a, ends.b):
            await csms.until(lambda csms=csms: all(billed.stopped for billed in csms.transactions.values()))
            (billed,) = csms.transactions.values()
            assert billed.meter_wh == [100, 200]
            assert csms.violations == []


async def test_boot_and_statuses_are_replayed_after_a_restart_of_the_relay_though_the_station_did_not_boot() -> None:
    async with restartable() as ends:
        await ends.station.status(1, "Preparing")
        await ends.b.wait_for("StatusNotification", count=3)
        seen = len(ends.b.calls)
        await ends.restart("ocpp1.6")
        assert await ends.station.authorize("TAG") == "Accepted"
        await ends.b.wait_for("Authorize")
        replayed = [(call.action, call.payload.get("status")) for call in ends.b.calls[seen:]]
        assert replayed == [
            ("BootNotification", None),
            ("StatusNotification", "Available"),
            ("StatusNotification", "Preparing"),
            ("Authorize", None),
        ]
        assert [call.action for call in ends.a.calls].count("BootNotification") == 2


async def test_a_transaction_can_be_flipped_after_a_restart_of_the_relay() -> None:
    async with restartable() as ends:
        transaction = await ends.station.start_transaction(1, "TAG")
        await ends.b.until(lambda: bool(ends.b.transactions))
        await until(lambda: "900" in str(ends.relay.recorder.memories["cp1"].ids))
        await ends.restart("ocpp1.6")
        await ends.station.heartbeat()
        await until(lambda: ends.relay.phase("cp1", "b") is LegPhase.REGISTERED)
        assert isinstance(await ends.declare(ends.b), Ack)
        answer = await ends.b.call("CP1", "RemoteStopTransaction", {"transactionId": 900})
        assert answer == {"status": "Accepted"}
        await ends.station.settle()
        assert ends.station.memory.transactions == {}
        assert ends.b.transactions[900].stopped
        await ends.a.until(lambda: ends.a.transactions[100].stopped)
        assert transaction.id == 100
        assert ends.a.violations == ends.b.violations == []


async def test_what_was_declared_meanwhile_waits_for_the_open_transaction_after_a_restart_of_the_relay_too() -> None:
    async with restartable() as ends:
        transaction = await ends.station.start_transaction(1, "TAG")
        await ends.restart("ocpp1.6", ends.b, "wait")
        await ends.station.meter(transaction, 100)
        assert set((ends.relay.live("cp1").owners or {}).values()) == {"a"}
        await until(lambda: ends.relay.phase("cp1", "b") is LegPhase.REGISTERED)
        refused = await ends.declare(ends.b, "wait")
        assert isinstance(refused, Refusal)
        assert refused.reason == "transaction 100 is open and openTransaction is wait"
        await ends.station.stop_transaction(transaction)
        assert ends.a.transactions[100].meter_wh == [100]
        assert isinstance(await ends.declare(ends.b, "wait"), Ack)


async def test_without_a_memory_an_owner_serves_a_station_that_does_not_boot_and_a_flip_says_what_is_missing() -> None:
    async with restartable() as ends:
        await ends.stop()
        for csms in (ends.a, ends.b):
            await csms.wait_disconnected("CP1")
            csms.manners.require_boot_first = False
        await ends.start([], "ocpp1.6")
        assert await ends.station.authorize("TAG") == "Accepted"
        outcome = await ends.declare(ends.b)
        assert isinstance(outcome, Refusal)
        assert "waits for the station's BootNotification" in outcome.reason
        await ends.station.boot()
        await until(lambda: ends.relay.phase("cp1", "b") is LegPhase.REGISTERED)
        assert isinstance(await ends.declare(ends.b), Ack)
