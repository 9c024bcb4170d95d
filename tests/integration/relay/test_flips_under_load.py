"""Two hundred stations at five calls a second, while all of them change owners twenty times.

What a flip means for a call is decided when the relay takes it from the station's socket. That instant can't be
seen from outside, but it lies between the call's sending and its answer. So a call whose whole life lies between two
flips of its station must be answered by the owner of that time; one that was open at the instant of a flip may be
answered by the owner before it or after it, and by nobody else. The same holds for commands.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from reconciler.model.live import Ack, LegPhase
from tests.integration.relay.load import Exchange, LoadCsms, LoadStation
from tests.integration.relay.support import until
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

STATIONS = 200
CALL_EVERY_S = 0.2
COMMAND_EVERY_S = 1.0
FLIPS = 20
FLIP_EVERY_S = 0.5


@dataclass
class Fleet:
    """The relay, both CSMSs, every station, and when which of them changed owners."""

    relay: Relay
    a: LoadCsms
    b: LoadCsms
    stations: list[LoadStation]
    flips: dict[str, list[tuple[float, float, str]]] = field(default_factory=dict)
    """Identity -> (asked at, acknowledged at, owner from then on), in order."""

    async def declare(self, identity: str, owner: LoadCsms) -> None:
        """Make a CSMS the primary of one station, the other one passive."""
        loop = asyncio.get_running_loop()
        a, b = (backend(csms.name, csms.url) for csms in (self.a, self.b))
        roles = (PRIMARY, PASSIVE) if owner is self.a else (PASSIVE, PRIMARY)
        asked = loop.time()
        outcome = await self.relay.run(charger(identity.lower(), zip((a, b), roles, strict=True), identity=identity))
        self.flips.setdefault(identity, []).append((asked, loop.time(), owner.name))
        assert isinstance(outcome, Ack) or len(self.flips[identity]) == 1, outcome

    def owners(self, identity: str, since: float, until: float) -> set[str]:
        """Return who owned a station at some instant of that time."""
        owners = set()
        for (asked, _, owner), (_, ended, _) in itertools.pairwise([*self.flips[identity], (until, until + 1, "")]):
            if asked <= until and ended >= since:
                owners.add(owner)
        return owners


@asynccontextmanager
async def fleet() -> AsyncIterator[Fleet]:
    """Run a relay between two CSMSs, with every station booted and registered at both."""
    stations = [LoadStation(f"CP{number:03}") for number in range(STATIONS)]
    async with LoadCsms("a") as a, LoadCsms("b") as b, relay() as running:
        all_of_it = Fleet(running, a, b, stations)
        for station in stations:
            await all_of_it.declare(station.identity, a)
        async with asyncio.TaskGroup() as group:
            for station in stations:
                group.create_task(station.start(running.url))
        await until(
            lambda: all(leg.phase is LegPhase.REGISTERED for live in running.node.live().values() for leg in live.legs),
            timeout_s=20,
        )
        yield all_of_it
        async with asyncio.TaskGroup() as group:
            for station in stations:
                group.create_task(station.stop())


async def command(csms: LoadCsms, stations: list[LoadStation], until_s: float) -> None:
    """Send every station commands 1, 2, 3 ... from one CSMS, whoever owns it."""
    loop = asyncio.get_running_loop()
    for number in itertools.count(1):
        for station in stations:
            csms.command(station.identity, number)
            if loop.time() > until_s:
                return
            await asyncio.sleep(COMMAND_EVERY_S / len(stations))


async def run_under_load(everything: Fleet) -> None:
    """Let stations and CSMSs talk while all stations change owners again and again."""
    loop = asyncio.get_running_loop()
    end = loop.time() + FLIP_EVERY_S * (FLIPS + 1)
    async with asyncio.TaskGroup() as group:
        for csms in (everything.a, everything.b):
            group.create_task(command(csms, everything.stations, end))
        for station in everything.stations:
            group.create_task(station.speak(end, CALL_EVERY_S))
        for number in range(FLIPS):
            await asyncio.sleep(FLIP_EVERY_S)
            owner = everything.a if number % 2 else everything.b
            await asyncio.gather(*(everything.declare(station.identity, owner) for station in everything.stations))
    everything_sent = [*everything.a.commands, *everything.b.commands]
    await until(lambda: all(sent.answers for sent in everything_sent), what="every command to be answered")


@pytest.mark.slow
async def test_all_stations_change_owners_twenty_times_and_nothing_is_lost_doubled_or_misrouted() -> None:
    async with fleet() as everything:
        await run_under_load(everything)
        nobody_lost_a_connection(everything)
        every_call_was_answered_once_by_its_owner(everything)
        heartbeats_reached_one_csms_only(everything)
        every_command_was_answered_once_and_delivered_for_owners_only(everything)
    assert everything.relay.tally.notes("call-timeout") == 0
    assert everything.relay.tally.notes("stray-answer") == 0


def nobody_lost_a_connection(everything: Fleet) -> None:
    assert sum(station.disconnects for station in everything.stations) == 0
    assert everything.a.closed == everything.b.closed == []
    assert {live.connections for live in everything.relay.node.live().values()} == {1}
    assert everything.relay.tally.counts["flips",] == STATIONS * FLIPS


def every_call_was_answered_once_by_its_owner(everything: Fleet) -> None:
    settled = 0
    for station in everything.stations:
        assert station.strays == 0
        for number, call in enumerate(station.calls, 1):
            assert len(call.answers) == 1, call
            owners = everything.owners(station.identity, call.sent, call.answered)
            assert who_answered(call, number) in owners, (call, owners)
            settled += len(owners) == 1
    calls = sum(len(station.calls) for station in everything.stations)
    assert calls > 0.6 * STATIONS * FLIPS * FLIP_EVERY_S / CALL_EVERY_S  # the load was there
    assert settled > 0.5 * calls  # and the strict half of the rule was not empty
    assert settled < calls  # nor the other one


def who_answered(call: Exchange, number: int) -> str:
    """Return the CSMS that a station's answer comes from; an echo must be that of its own call."""
    (answer,) = call.answers
    if call.action != "DataTransfer":
        return {"2001": "a", "2002": "b"}[answer["currentTime"][:4]]
    name, _, echo = answer["data"].partition(" ")
    assert echo == str(number), call
    return str(name)


def heartbeats_reached_one_csms_only(everything: Fleet) -> None:
    """They are never copied, so whoever got one had to answer it."""
    for station in everything.stations:
        for number, call in enumerate(station.calls, 1):
            got = [csms for csms in (everything.a, everything.b) if csms.received[station.identity, str(number)]]
            if call.action == "Heartbeat":
                assert [csms.name for csms in got] == [who_answered(call, number)], call
            assert all(csms.received[station.identity, str(number)] == 1 for csms in got), call


def every_command_was_answered_once_and_delivered_for_owners_only(everything: Fleet) -> None:
    delivered = {
        (sent.identity, sent.sender, sent.number): sent for station in everything.stations for sent in station.delivered
    }
    assert len(delivered) == sum(len(station.delivered) for station in everything.stations)  # none came twice
    for csms in (everything.a, everything.b):
        assert csms.strays == 0
        refused = 0
        for sent in csms.commands:
            assert len(sent.answers) == 1, sent
            owners = everything.owners(sent.identity, sent.sent, sent.answered)
            arrived = delivered.get((sent.identity, csms.name, sent.action))
            if arrived is None:
                assert sent.answers == [{"status": "Rejected"}], sent
                assert owners != {csms.name}, sent
                refused += 1
            else:
                assert sent.answers == [{"status": "Accepted", "data": f"{csms.name} {sent.action}"}], sent
                assert csms.name in everything.owners(sent.identity, sent.sent, arrived.at), sent
        assert 0.2 < refused / len(csms.commands) < 0.8
