"""Back-ends in every kind of trouble: live state says so, other legs and the station go on, calls end as designed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from reconciler.adapters.websocket import WebSocketLimits
from reconciler.model.live import Deferred, LegPhase, LiveLeg
from reconciler.testing import CallFailed, HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.integration.relay.support import station as connected_station
from tests.integration.relay.support import until
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

CALL_TIMEOUT_S = 0.6
"""A back-end's; the relay gives up on a call a sixth earlier."""
BRISK = WebSocketLimits(handshake_timeout_s=0.3, connect_timeout_s=0.3, close_timeout_s=0.3)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a CSMS from the beginning, and how live state shows it."""

    make: Callable[[SimulatedCsms], object]
    phase: LegPhase
    detail: str


def mute(csms: SimulatedCsms) -> None:
    csms.manners.silent = True


def garbage(csms: SimulatedCsms) -> None:
    csms.manners.answers["BootNotification"] = b"<html>It works!</html>"


def wrong_boot(csms: SimulatedCsms) -> None:
    csms.manners.answers["BootNotification"] = {"status": 17, "interval": "soon"}


TROUBLES = {
    "it refuses with 503": Trouble(lambda c: setattr(c.manners, "refuse_status", 503), LegPhase.DOWN, "HTTP 503"),
    "it does not know the station": Trouble(lambda c: setattr(c, "identities", []), LegPhase.DOWN, "HTTP 404"),
    "it never answers the handshake": Trouble(
        lambda c: setattr(c.manners, "handshake_held", asyncio.Event()), LegPhase.DOWN, "no answer within 0.3 s"
    ),
    "it closes at once": Trouble(
        lambda c: setattr(c.manners, "close_on_connect", (1011, "not provisioned")),
        LegPhase.DOWN,
        "1011 not provisioned",
    ),
    "it speaks another version": Trouble(lambda c: setattr(c, "versions", ("ocpp2.1",)), LegPhase.DOWN, "ocpp1.6"),
    "it answers nothing": Trouble(mute, LegPhase.UNANSWERED, "does not answer BootNotification"),
    "it answers with garbage": Trouble(garbage, LegPhase.UNANSWERED, "does not answer BootNotification"),
    "it answers a boot with nonsense": Trouble(wrong_boot, LegPhase.REJECTED, "BootNotification"),
    "it answers a boot with an error": Trouble(
        lambda c: c.manners.answers.update({"BootNotification": CallFailed("InternalError", "oops")}),
        LegPhase.REJECTED,
        "CALLERROR",
    ),
    "it rejects the station": Trouble(lambda c: setattr(c.books, "boot_status", "Rejected"), LegPhase.REJECTED, "Reje"),
    "it keeps the station pending": Trouble(
        lambda c: setattr(c.books, "boot_status", "Pending"), LegPhase.PENDING, "Pe"
    ),
}
every_trouble = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)


@dataclass
class Three:
    """A relay between a healthy CSMS, one in trouble and an observer that is healthy too."""

    relay: Relay
    good: SimulatedCsms
    bad: SimulatedCsms
    observer: SimulatedCsms

    def leg(self, name: str) -> LiveLeg:
        """Return a leg's live state."""
        return next(leg for leg in self.relay.live("cp1").legs if leg.backend == name)


@asynccontextmanager
async def three(owner: str, down_after_s: float = 60.0) -> AsyncIterator[Three]:
    """Run the three; `owner` is "good" or "bad"."""
    async with (
        SimulatedCsms("good") as good,
        SimulatedCsms("bad") as bad,
        SimulatedCsms("observer") as observer,
        relay(limits=BRISK) as running,
    ):
        legs = [
            (
                backend(csms.name, csms.url, call_timeout_s=CALL_TIMEOUT_S, down_after_s=down_after_s),
                PRIMARY if csms.name == owner else PASSIVE,
            )
            for csms in (good, bad, observer)
        ]
        await running.run(charger("cp1", legs))
        yield Three(running, good, bad, observer)


@every_trouble
async def test_an_observer_in_trouble_is_shown_and_disturbs_nobody(trouble: Trouble) -> None:
    async with three("good") as ends, connected_station(ends.relay) as station:
        trouble.make(ends.bad)
        await station.boot()
        transaction = await station.start_transaction(1, "TAG")
        await until(
            lambda: ends.leg("bad").phase is trouble.phase and trouble.detail in ends.leg("bad").detail,
            what=f"{trouble.phase} in {ends.leg('bad')}",
        )
        await station.meter(transaction, 10)
        await station.stop_transaction(transaction)
        assert ends.leg("good").phase is ends.leg("observer").phase is LegPhase.REGISTERED
        await ends.observer.wait_for("StopTransaction")
        assert station.disconnects == []


@pytest.mark.parametrize(
    "trouble",
    [TROUBLES[name] for name in ("it refuses with 503", "it closes at once", "it never answers the handshake")],
    ids=["refuses", "closes", "never-answers"],
)
async def test_with_an_owner_that_can_not_be_reached_ordinary_calls_fail_and_observers_go_on(trouble: Trouble) -> None:
    async with three("bad") as ends:
        trouble.make(ends.bad)
        async with connected_station(ends.relay) as station:
            with pytest.raises(CallFailed, match="InternalError: bad did not answer BootNotification in time"):
                await station.boot()
            with pytest.raises(CallFailed, match="InternalError: bad did not answer Authorize in time"):
                await station.authorize("TAG")
            await ends.good.wait_for("Authorize")
            await ends.observer.wait_for("Authorize")
            assert ends.leg("bad").phase in (trouble.phase, LegPhase.DIALLING)
            assert ends.leg("good").phase is ends.leg("observer").phase is LegPhase.REGISTERED
            assert station.disconnects == []
            assert ends.relay.tally.notes("call-timeout") == 2


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_transaction_message_that_the_owner_does_not_answer_closes_the_socket_and_is_no_error(
    version: str,
) -> None:
    """So that the station queues it (R11): a CALLERROR would burn one of its attempts."""
    async with three("bad") as ends, connected_station(ends.relay, version) as station:
        await station.boot()
        ends.bad.manners.silent = True
        with pytest.raises(ConnectionError):
            await station.start_transaction(1, "TAG")
        closed = await station.wait_disconnected()
        assert closed.code == 1013
        assert "bad did not answer" in closed.reason
        assert not [raw for raw in station.raw("received") if raw.lstrip().startswith(b"[4")]


async def test_an_owner_that_is_slow_but_in_time_is_waited_for() -> None:
    async with three("bad") as ends, connected_station(ends.relay) as station:
        await station.boot()
        ends.bad.manners.delay_s["Authorize"] = CALL_TIMEOUT_S / 2
        assert await station.authorize("TAG") == "Accepted"
        assert ends.relay.tally.notes("call-timeout") == 0


async def test_an_answer_that_comes_too_late_is_swallowed_and_the_next_one_arrives() -> None:
    async with three("bad") as ends, connected_station(ends.relay) as station:
        await station.boot()
        held = ends.bad.manners.held["Authorize"] = asyncio.Event()
        with pytest.raises(CallFailed):
            await station.authorize("LATE")
        held.set()
        await until(lambda: ends.relay.tally.notes("stray-answer") == 1)
        assert await station.authorize("NEXT") == "Accepted"
        assert station.violations == []
        assert station.disconnects == []


async def test_a_station_whose_owner_is_gone_is_kept_for_a_while_and_then_closed() -> None:
    async with three("bad", down_after_s=0.5) as ends, connected_station(ends.relay) as station:
        await station.boot()
        loop = asyncio.get_running_loop()
        await ends.bad.stop()
        await until(lambda: ends.leg("bad").phase is LegPhase.DOWN)
        since = loop.time()
        closed = await station.wait_disconnected()
        assert loop.time() - since > 0.3
        assert (closed.code, closed.reason[:12]) == (1013, "bad is away:")


async def test_a_station_whose_owner_comes_back_in_time_keeps_its_connection_and_its_call() -> None:
    async with three("bad", down_after_s=5.0) as ends, connected_station(ends.relay) as station:
        await station.boot()
        await ends.bad.stop()
        await until(lambda: ends.leg("bad").phase is LegPhase.DOWN)
        calling = asyncio.get_running_loop().create_task(station.authorize("TAG"))
        await ends.bad.start()
        assert await calling == "Accepted"
        assert station.disconnects == []


async def test_a_station_that_does_not_answer_commands_does_not_stop_its_back_ends_from_answering_it() -> None:
    async with three("bad") as ends, connected_station(ends.relay) as station:
        await station.boot()
        station.manners.silent = True
        with pytest.raises(CallFailed, match="did not answer Reset in time"):
            await ends.bad.call("CP1", "Reset", {"type": "Soft"})
        assert await station.authorize("TAG") == "Accepted"
        station.manners.silent = False
        assert await answers_again(ends.bad, station) == {"status": "Accepted"}


async def answers_again(csms: SimulatedCsms, station: SimulatedStation) -> dict[str, object]:
    """Give a station a command that it now answers."""
    station.manners.answers["ClearCache"] = {"status": "Accepted"}
    return await csms.call("CP1", "ClearCache", {})


async def test_a_station_sent_off_because_its_owner_is_away_is_let_in_again_with_the_owner_and_not_before() -> None:
    async with three("bad", down_after_s=0.1) as ends, connected_station(ends.relay) as station:
        await station.boot()
        await ends.bad.stop()
        await station.wait_disconnected()
        with pytest.raises(HandshakeRefused) as refused:
            await station.connect()
        assert refused.value.status == 503
        await ends.bad.start()
        await station.connect()
        assert await station.authorize("TAG") == "Accepted"
        assert len(station.disconnects) == 1


async def test_a_station_sent_off_because_its_owner_is_away_is_let_in_once_another_one_owns_it() -> None:
    async with three("bad", down_after_s=0.1) as ends, connected_station(ends.relay) as station:
        await station.boot()
        await ends.bad.stop()
        await station.wait_disconnected()
        legs = [(backend("bad", ends.bad.url), PASSIVE), (backend("good", ends.good.url), PRIMARY)]
        assert isinstance(await ends.relay.run(charger("cp1", legs)), Deferred)
        await station.connect()
        assert await station.authorize("TAG") == "Accepted"
        await ends.good.wait_for("Authorize")
