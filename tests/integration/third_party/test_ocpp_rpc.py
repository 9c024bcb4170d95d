"""Stations and CSMSs written by others, strict: the npm package `ocpp-rpc` at every end, in all three versions.

Both ends check every payload against their schemas, and end the connection at the first frame that they find fault
with. What `ocpp-rpc` 2.2.1 lacks in 2.1: message types 5 and 6 (CALLRESULTERROR, and SEND with which event streams are
sent); and its strict mode looks for the schemas of 2.1 under other names than theirs, which `ends.cjs` mends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from reconciler.model.live import LegPhase
from tests.integration.relay.support import until
from tests.integration.third_party.ocpp_rpc import CallRefused, Csms, End, Ends, csms, install, node, ocpp_rpc_ends
from tests.integration.third_party.ocpp_rpc import station as station_end
from tests.integration.third_party.words import WORDS, Words
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

node()
every_version = pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install()


@dataclass
class Stage:
    """A strict station and two strict CSMSs around a relay; `b` is None where the station has one back-end."""

    words: Words
    relay: Relay
    ends: Ends
    station: End
    a: Csms
    b: Csms | None

    async def says(self, said: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        """Let the station make a CALL."""
        return await self.station.call(*said)

    async def settles(self) -> None:
        """Let the station boot and say what stations say, and wait for every CSMS to know it."""
        for said in self.words.settling:
            await self.says(said)
        for end in [self.a] if self.b is None else [self.a, self.b]:
            await until(partial(self._registered, end.name))
            await end.saw("Authorize")

    def _registered(self, name: str) -> bool:
        return self.relay.phase("cp1", name) is LegPhase.REGISTERED

    async def flip(self, to: Csms) -> None:
        """Make `to` the primary."""
        assert await run(self.relay, self.a, self.b, owner=to) == "Ack"

    async def obeys(self, commander: Csms) -> None:
        """The station obeys every command of `commander`."""
        for command in self.words.commands:
            before = self.station.actions.count(command.action)
            assert await commander.call(command.action, command.payload) == command.obeyed
            assert unmapped(await self.station.saw(command.action, before + 1)) == unmapped(command.payload)

    async def ignores(self, commander: Csms) -> None:
        """Every command of `commander` is refused in words that fit its schema, and the station sees none of them."""
        before = len(self.station.seen)
        for command in self.words.commands:
            if command.refused is not None:
                assert await commander.call(command.action, command.payload) == command.refused
                continue
            with pytest.raises(CallRefused, match="SecurityError"):
                await commander.call(command.action, command.payload)
        assert len(self.station.seen) == before

    def clean(self) -> None:
        """Nobody found fault with anything, and nobody was disconnected or dialled twice."""
        assert self.ends.of("violation") == []
        assert self.ends.of("closed") == []
        assert len(self.ends.of("connected")) == (1 if self.b is None else 2)
        assert self.relay.live("cp1").connections == 1
        assert self.relay.tally.notes("malformed-frame") == self.relay.tally.notes("stray-answer") == 0


async def run(running: Relay, a: Csms, b: Csms | None, *, owner: Csms) -> str:
    """Declare the charger and return what became of it."""
    legs = [(backend(end.name, end.url), PRIMARY if end is owner else PASSIVE) for end in (a, b) if end is not None]
    return type(await running.run(charger("cp1", legs))).__name__


@asynccontextmanager
async def stage(words: Words, *, observed: bool) -> AsyncIterator[Stage]:
    """Set the stage; `a` is the primary, and `b`, where `observed`, passive."""
    async with ocpp_rpc_ends() as ends, relay() as running:
        a = await csms(ends, "a", words.version, words.csms(7))
        b = await csms(ends, "b", words.version, words.csms(900)) if observed else None
        await run(running, a, b, owner=a)
        station = await station_end(ends, "station", words.version, running.url, "CP1", words.station())
        here = Stage(words, running, ends, station, a, b)
        await here.settles()
        yield here
        here.clean()
        await station.close()


def unmapped(command: dict[str, Any]) -> dict[str, Any]:
    """Return a command without the id that the relay maps where two CSMSs chose the same (R9)."""
    return {key: value for key, value in command.items() if key != "remoteStartId"}


def ids(seen: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Return the transaction ids in what a CSMS saw, in order."""
    found = [payload.get("transactionInfo", payload).get("transactionId") for _, payload in seen]
    return [id_ for id_ in found if id_ is not None]


@every_version
@pytest.mark.parametrize("observed", [False, True], ids=["alone", "beside-a-passive-one"])
async def test_a_strict_station_and_its_strict_csms_live_a_whole_transaction(words: Words, observed: bool) -> None:
    async with stage(words, observed=observed) as on:
        transaction = words.named(await on.says(words.start()))
        meters = [words.meter(transaction, wh) for wh in (100, 200)]
        for said in meters:
            await on.says(said)
        await on.obeys(on.a)
        assert await on.a.call(*words.stop_command(transaction)) == {"status": "Accepted"}
        stop = words.stop(transaction, 300)
        await on.says(stop)
        await on.says(("Heartbeat", {}))

        assert on.a.seen == [*words.settling, words.start(), *meters, stop, ("Heartbeat", {})]
        assert await on.station.saw(words.stopping) == {"transactionId": transaction}
        assert on.relay.live("cp1").transactions == ()
        if on.b is not None:
            await on.b.saw(stop[0], [said for said, _ in (words.start(), *meters, stop)].count(stop[0]))
            copied = [words.start(), *meters, stop]
            assert on.b.actions == [said for said, _ in (*words.settling, *copied) if said != "Heartbeat"]
            assert set(ids(on.b.seen)) == {900 if words.version == "ocpp1.6" else transaction}
            await on.ignores(on.b)


@every_version
async def test_a_live_flip_in_mid_transaction_is_seen_by_no_strict_end(words: Words) -> None:
    async with stage(words, observed=True) as on:
        assert on.b is not None
        transaction = words.named(await on.says(words.start()))
        await on.b.saw(words.start()[0])
        theirs = 900 if words.version == "ocpp1.6" else transaction
        await on.says(words.meter(transaction, 100))
        for round_, owner in enumerate((on.b, on.a, on.b), 2):
            await on.flip(owner)
            await on.says(words.meter(transaction, 100 * round_))
            await on.obeys(owner)
            await on.ignores(on.a if owner is on.b else on.b)
        assert await on.b.call(*words.stop_command(theirs)) == {"status": "Accepted"}
        assert await on.station.saw(words.stopping) == {"transactionId": transaction}
        stop = words.stop(transaction, 500)
        await on.says(stop)
        expected = [words.start()[0], *[words.meter(transaction, 0)[0]] * 4, stop[0]]
        for end, id_ in ((on.a, transaction), (on.b, theirs)):
            await end.saw(stop[0], expected.count(stop[0]))
            transactional = [said for said in end.seen if said[0] in expected]
            assert [action for action, _ in transactional] == expected
            assert set(ids(transactional)) == {id_}
        assert on.relay.live("cp1").transactions == ()


@every_version
async def test_errors_of_strict_ends_reach_whom_they_concern(words: Words) -> None:
    async with stage(words, observed=True) as on:
        with pytest.raises(CallRefused, match="NotImplemented: a has no answer to DataTransfer"):
            await on.says(("DataTransfer", {"vendorId": "com.acme"}))
        with pytest.raises(CallRefused, match="NotImplemented: station has no answer to DataTransfer"):
            await on.a.call("DataTransfer", {"vendorId": "com.acme"})
        await on.obeys(on.a)


async def test_a_strict_end_would_say_so_if_the_relay_broke_a_schema() -> None:
    """The tests above mean something only if these ends do find fault."""
    words = WORDS["ocpp2.1"]
    async with ocpp_rpc_ends() as ends:
        lax = {**words.csms(7), "Heartbeat": {"currentTime": 5}}
        a = await csms(ends, "a", "ocpp2.1", lax)
        station = await station_end(ends, "station", "ocpp2.1", a.url, "CP1", words.station())
        with pytest.raises(CallRefused, match="InternalError"):
            await station.call("Heartbeat", {})
        with pytest.raises(CallRefused, match="OccurenceConstraintViolation"):
            await station.call("BootNotification", {})
        found = [event["kind"] for event in ends.of("violation")]
        assert found == ["schema of Heartbeat", "schema of BootNotification"]
