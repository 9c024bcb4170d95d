"""One node's part: it runs what is asked, reports under its epochs, and gives up what another node has now."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

import pytest

from reconciler.app import node_agent
from reconciler.app.node_agent import NodeAgent
from reconciler.app.passed import Passed
from reconciler.app.ports import ChargerMemory
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import Ask, Taken
from reconciler.errors import FwdctlError
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import Ack, LegPhase, LiveCharger, LiveLeg, Outcome
from tests.support.clock import FakeClock
from tests.support.memory_rows import MemoryRows
from tests.support.specs import a_site, resolved

CP0 = resolved(a_site(1)).chargers["cp000"]


class Relay:
    """Implements `LocalRelay`: takes notes."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, int]] = []
        self.chargers: dict[str, LiveCharger] = {}
        self.counts: dict[str, Passed] = {}
        self.took: dict[str, Taken] = {}
        self.gave_up: list[str] = []

    async def set_desired(self, charger: str, generation: int, desired: DesiredCharger | None) -> Outcome:
        """Note it."""
        self.ran.append((charger, generation))
        return Ack(generation)

    def names(self) -> Collection[str]:
        """Return all."""
        return self.live().keys()

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """Return what was put in."""
        return {name: live for name, live in self.chargers.items() if only is None or name in only}

    def passed(self, charger: str) -> Passed:
        """Return what was put in."""
        return self.counts.get(charger, {})

    def taken(self, charger: str, taken: Taken) -> None:
        """Note it."""
        self.took[charger] = taken

    def give_up(self, charger: str, reason: str) -> None:
        """Note it."""
        self.gave_up.append(charger)
        self.chargers.pop(charger, None)

    def connect(self, name: str, calls: int = 0) -> None:
        """Let a station come in."""
        leg = LiveLeg("partner", "primary", LegPhase.REGISTERED, 0.0, calls=calls)
        self.chargers[name] = LiveCharger(name, connected=True, since_s=1.0, legs=(leg,), connections=1)

    def leave(self, name: str, connections: int = 1) -> None:
        """Let a station go that was connected so often."""
        self.chargers[name] = LiveCharger(name, connected=False, since_s=2.0, connections=connections)


class Node:
    """An agent with a relay to speak for, on rows that others may share."""

    def __init__(self, rows: MemoryRows) -> None:
        self.rows, self.clock, self.relay = rows, FakeClock(), Relay()
        self.mirror = RelayMirror(rows, self.clock)
        self.trouble: list[str] = []

    async def join(self, name: str) -> "Node":
        """Begin."""
        start = await self.rows.join(name, self.clock.now(), 10)
        self.agent = NodeAgent(
            self.rows, self.relay, self.mirror, start, self.clock, self.rows, lambda what, error: self.note(what)
        )
        await self.mirror.read()
        await self.agent.begin()
        return self

    def note(self, what: str) -> None:
        """Keep trouble."""
        self.trouble.append(what)

    async def come_in(self, name: str) -> None:
        """Let a station in, as the relay node does."""
        await self.agent.take(name)
        self.relay.connect(name)
        self.agent.changed(name)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let it work for the block."""
        task = asyncio.ensure_future(self.agent.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until_told(self, name: str, *, connected: bool) -> None:
        """Wait until it has reported that."""
        told = self.rows.told
        await self.rows.bell.until(lambda: name in told and told[name].live.connected is connected, timeout_s=5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scan often: scans are what these tests wait for."""
    monkeypatch.setattr(node_agent, "GATHER_S", 0.0)


async def test_what_was_asked_before_it_started_is_run_before_stations_come_and_what_is_asked_later_as_well() -> None:
    rows = MemoryRows()
    await rows.ask([Ask("cp000", 4, CP0)], "n1/1", 1, FakeClock().now())
    node = await Node(rows).join("a")
    assert node.relay.ran == [("cp000", 4)]
    await rows.ask([Ask("cp000", 5, CP0), Ask("cp001", 1, CP0)], "n1/1", 1, node.clock.now())
    await node.mirror.read()
    await asyncio.sleep(0)
    assert node.relay.ran[1:] == [("cp000", 5), ("cp001", 1)]


async def test_a_station_that_comes_in_is_taken_then_reported_with_its_node() -> None:
    node = await Node(MemoryRows()).join("a")
    async with node.running():
        await node.come_in("cp000")
        assert node.relay.took == {"cp000": Taken(1)}
        await node.until_told("cp000", connected=True)
        assert node.rows.told["cp000"].live.node == "a"
        node.relay.counts["cp000"] = {"partner": 12}
        node.relay.leave("cp000")
        node.agent.changed("cp000")
        await node.until_told("cp000", connected=False)
        assert node.rows.told["cp000"].passed == {"partner": 12}
    assert node.trouble == []


async def test_one_that_was_let_in_is_not_reported_as_gone_before_its_handshake_is_through() -> None:
    node = await Node(MemoryRows()).join("a")
    node.relay.leave("cp000", connections=4)
    await node.agent.take("cp000")
    await node.agent._report(await node.agent._scan())  # what is asked of it was just carried out, say
    assert node.rows.report_writes == 0
    node.relay.connect("cp000")
    node.relay.leave("cp000", connections=5)  # it went again before anything was reported
    await node.agent._report(["cp000"])
    assert (node.rows.told["cp000"].live.node, node.rows.told["cp000"].live.since_s) == ("a", 2.0)


async def test_one_that_never_finished_its_handshake_is_reported_as_gone_in_the_end() -> None:
    node = await Node(MemoryRows()).join("a")
    node.relay.leave("cp000", connections=4)
    await node.agent.take("cp000")
    node.clock.advance(node_agent.OPENS_WITHIN_S)
    await node.agent._report(await node.agent._scan())
    assert node.rows.told["cp000"].live.node == "a"
    assert await node.agent._scan() == set()


async def test_what_another_node_left_is_handed_to_the_relay() -> None:
    node = await Node(MemoryRows()).join("a")
    node.rows.left["cp000"] = Taken(0, True, ChargerMemory("cp000", "ocpp1.6"))
    await node.agent.take("cp000")
    assert node.relay.took["cp000"].memory == ChargerMemory("cp000", "ocpp1.6")


async def test_stations_that_come_together_are_taken_together() -> None:
    node = await Node(MemoryRows()).join("a")
    before = node.agent._seq
    await asyncio.gather(*(node.agent.take(f"cp{number}") for number in range(200)))
    assert len(node.relay.took) == 200
    assert node.agent._seq - before <= 2


async def test_the_newest_connection_wins_and_the_older_node_gives_up() -> None:
    rows = MemoryRows()
    here, there = await Node(rows).join("a"), await Node(rows).join("b")
    await here.come_in("cp000")
    await there.come_in("cp000")
    await here.mirror.read()
    assert (here.relay.gave_up, there.relay.gave_up) == (["cp000"], [])
    assert there.relay.took["cp000"].epoch == 2
    await there.mirror.read()
    assert there.relay.gave_up == []


async def test_who_hears_of_it_only_when_reporting_can_write_nothing_and_gives_up() -> None:
    rows = MemoryRows()
    here, there = await Node(rows).join("a"), await Node(rows).join("b")
    await here.come_in("cp000")
    await there.come_in("cp000")
    await here.agent._report(["cp000"])
    assert here.relay.gave_up == ["cp000"]
    assert rows.told["cp000"].start.node == "b"


async def test_mere_counts_of_frames_wait_and_everything_else_does_not() -> None:
    node = await Node(MemoryRows()).join("a")
    await node.come_in("cp000")
    await node.agent._report(["cp000"])
    node.relay.connect("cp000", calls=17)
    assert await node.agent._scan() == set()
    node.clock.advance(node_agent.COUNTS_S)
    assert await node.agent._scan() == {"cp000"}


async def test_a_store_that_is_away_keeps_no_station_out_and_the_charger_is_taken_later() -> None:
    node = await Node(MemoryRows()).join("a")
    node.rows.away = True
    async with node.running():
        await node.come_in("cp000")
        assert node.relay.took == {}
        node.rows.away = False
        node.agent.changed("cp000")
        await node.until_told("cp000", connected=True)
    assert node.relay.took["cp000"].epoch == 1
    assert "taking chargers" in node.trouble


async def test_a_node_that_leaves_says_so_at_once() -> None:
    rows = MemoryRows()
    node, other = await Node(rows).join("a"), await Node(rows).join("b")
    await node.come_in("cp000")
    await node.agent._report(["cp000"])
    node.relay.chargers.clear()
    await node.agent.leave()
    await other.mirror.read()
    assert not other.mirror.live["cp000"].connected
    assert not other.mirror.is_alive(node.agent.start)


async def test_a_node_whose_place_was_taken_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_agent, "KEEP_EVERY_S", 0.0)
    rows = MemoryRows()
    node = await Node(rows).join("a")
    await Node(rows).join("a")
    with pytest.raises(ExceptionGroup) as ended:
        await asyncio.wait_for(node.agent.run(), timeout=5)
    assert ended.group_contains(FwdctlError, match="another fwdctl serve has begun as node a")
