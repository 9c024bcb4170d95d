"""One back-end of one session, from dial to dial."""

import asyncio
import gc
import weakref

import pytest

from reconciler.app.csms_connection import CsmsConnection, RedialPolicy
from reconciler.app.legs import DialFailed, DialRequest
from reconciler.app.local_line import LocalConnection
from reconciler.local.csms import LocalCsms
from reconciler.model.desired import LocalAnswers
from reconciler.relay import events
from tests.support.clock import FakeClock
from tests.support.fake_legs import FakeDialer, leg_to

SOON = RedialPolicy(first_s=0.001, longest_s=0.002)
NEVER = RedialPolicy(first_s=1000.0, longest_s=1000.0)
"""A wait that no test sits out: what happens at once does not wait for it."""
OPENED = events.LegOpened("a")


class Session:
    """What a session is to its connections: `feed`, and what it was told."""

    def __init__(self) -> None:
        self.told: list[events.Event] = []

    def feed(self, event: events.Event) -> None:
        self.told.append(event)


def connection(dialer: FakeDialer, session: Session, policy: RedialPolicy = SOON) -> CsmsConnection:
    return CsmsConnection(DialRequest("CP1", leg_to("a"), "ocpp1.6"), dialer, policy, session.feed)


def test_waits_double_up_to_the_longest_and_are_jittered_by_half() -> None:
    policy = RedialPolicy(first_s=1.0, longest_s=60.0)
    for failures, middle in ((0, 1.0), (1, 2.0), (5, 32.0), (6, 60.0), (1_000_000, 60.0)):
        waits = {policy.wait_s(failures) for _ in range(200)}
        assert middle * 0.5 <= min(waits) < middle * 0.7
        assert middle * 1.3 < max(waits) <= middle * 1.5


async def test_a_connection_dials_and_then_carries_frames_both_ways() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, session)
    assert connected.gone.is_set()
    connected.start()
    leg = await dialer.leg()
    connected.send(b"up")
    leg.peer_says(b"down")
    assert leg.sent == [b"up"]
    assert session.told == [OPENED, events.LegFrameReceived("a", b"down")]
    assert not connected.gone.is_set()


async def test_what_a_back_end_says_at_once_comes_after_the_news_that_it_is_there() -> None:
    dialer, session = FakeDialer(), Session()
    dialer.early = (b"one", b"two")
    connection(dialer, session).start()
    await dialer.leg()
    assert session.told == [OPENED, events.LegFrameReceived("a", b"one"), events.LegFrameReceived("a", b"two")]


async def test_a_dial_that_fails_is_told_and_tried_again() -> None:
    dialer, session = FakeDialer(), Session()
    dialer.failures += [DialFailed("refused"), DialFailed("refused again", 503)]
    connection(dialer, session).start()
    await dialer.leg()
    assert session.told == [events.LegDialFailed("a", "refused"), events.LegDialFailed("a", "refused again"), OPENED]


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_back_end_that_does_not_let_the_charger_in_is_not_asked_again_for_long(status: int) -> None:
    dialer, session = FakeDialer(), Session()
    dialer.failures.append(DialFailed("not provisioned", status))
    connection(dialer, session, RedialPolicy(first_s=0.001, longest_s=1000.0)).start()
    await dialer.until(lambda: session.told)
    await asyncio.sleep(0.02)
    assert len(dialer.requests) == 1


async def test_a_back_end_that_had_let_the_charger_in_is_asked_again_soon() -> None:
    dialer, session = FakeDialer(), Session()
    connection(dialer, session, RedialPolicy(first_s=0.001, longest_s=1000.0)).start()
    leg = await dialer.leg()
    dialer.failures.append(DialFailed("a gateway's 404", 404))
    leg.peer_leaves()
    await dialer.leg(2)
    assert len(dialer.requests) == 3


async def test_a_leg_that_closes_is_told_and_dialled_again() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, session)
    connected.start()
    (await dialer.leg()).peer_leaves(1011, "not provisioned")
    assert connected.gone.is_set()
    await dialer.leg(2)
    assert session.told == [OPENED, events.LegClosed("a", "connection closed: 1011 not provisioned"), OPENED]


async def test_connections_that_lived_for_a_good_while_are_dialled_again_after_the_first_wait() -> None:
    dialer, session = FakeDialer(), Session()
    connection(dialer, session, RedialPolicy(first_s=0.001, longest_s=1000.0, good_after_s=0.0)).start()
    for number in range(1, 21):  # the twentieth wait of a back-off would be one of hours
        (await dialer.leg(number)).peer_leaves()
    await dialer.leg(21)


async def test_a_connection_waits_for_its_predecessor_to_be_gone_but_not_for_ever() -> None:
    dialer, session = FakeDialer(), Session()
    older = connection(dialer, session)
    older.start()
    old_leg = await dialer.leg()
    old_leg.holds_close = True
    older.stop("the station is gone")
    newer = connection(dialer, session, RedialPolicy(predecessor_s=1000.0))
    newer.start(older)
    hasty = connection(dialer, session, RedialPolicy(predecessor_s=0.001))
    hasty.start(older)
    await dialer.leg(2)
    assert len(dialer.requests) == 2  # newer still waits
    old_leg.peer_leaves(1001)
    await dialer.leg(3)


async def test_a_stopped_connection_closes_and_says_nothing_any_more() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, session)
    connected.start()
    leg = await dialer.leg()
    connected.stop("the station is gone")
    assert leg.closed == (1001, "the station is gone")
    await asyncio.wait_for(connected.gone.wait(), 5)
    assert session.told == [OPENED]
    assert len(dialer.requests) == 1


async def test_a_connection_stopped_while_it_dials_gives_the_dial_up() -> None:
    dialer, session = FakeDialer(), Session()
    dialer.held = asyncio.Event()
    connected = connection(dialer, session)
    connected.start()
    await dialer.until(lambda: dialer.requests)
    assert not connected.gone.is_set()
    connected.stop("the station is gone")
    await dialer.until(lambda: dialer.cancelled)
    await asyncio.wait_for(connected.gone.wait(), 5)
    assert session.told == []


async def test_a_connection_stopped_while_it_dials_keeps_nothing_of_the_dial() -> None:
    dialer, session = FakeDialer(), Session()
    dialer.held = asyncio.Event()
    connected = connection(dialer, session)
    connected.start()
    assert connected._task is not None
    dial = weakref.ref(connected._task)
    await dialer.until(lambda: dialer.requests)
    connected.stop("the station is gone")
    await dialer.until(lambda: dialer.cancelled)
    await asyncio.wait_for(connected.gone.wait(), 5)
    await asyncio.sleep(0)  # the loop lets go of its last callbacks
    gc.collect()
    assert dial() is None


async def test_a_connection_stopped_between_two_dials_dials_no_more() -> None:
    dialer, session = FakeDialer(), Session()
    dialer.failures.append(DialFailed("refused"))
    connected = connection(dialer, session, RedialPolicy(first_s=0.01))
    connected.start()
    await dialer.until(lambda: dialer.requests and not dialer.failures)
    connected.stop("the station is gone")
    other = connection(dialer, Session(), RedialPolicy(first_s=0.05))
    dialer.failures.append(DialFailed("refused"))
    other.start()  # by the time of its second dial, the stopped one would have made its own
    await dialer.leg()
    assert len(dialer.requests) == 3


async def test_a_redial_closes_the_leg_and_dials_what_it_is_now_without_a_wait() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, session, NEVER)
    connected.start()
    leg = await dialer.leg()
    connected.redial(leg_to("a", url="ws://moved"))
    await dialer.leg(2)
    assert leg.closed == (1000, "dialled anew")
    assert [request.leg.backend.url for request in dialer.requests] == ["ws://csms", "ws://moved"]


async def test_a_redial_between_two_dials_does_not_wait_for_the_next_one() -> None:
    dialer, session = FakeDialer(), Session()
    dialer.failures.append(DialFailed("refused"))
    connected = connection(dialer, session, NEVER)
    connected.start()
    await dialer.until(lambda: dialer.requests and not dialer.failures)
    connected.redial(leg_to("a", url="ws://moved"))
    await dialer.leg()
    assert dialer.requests[-1].leg.backend.url == "ws://moved"


async def test_a_redial_during_a_dial_gives_it_up_and_dials_what_the_leg_is_now() -> None:
    dialer, session = FakeDialer(), Session()
    dialer.held = asyncio.Event()
    connected = connection(dialer, session, NEVER)
    connected.start()
    await dialer.until(lambda: dialer.requests)
    connected.redial(leg_to("a", url="ws://moved"))
    dialer.held.set()
    await dialer.leg()
    assert [request.leg.backend.url for request in dialer.requests] == ["ws://csms", "ws://moved"]
    assert dialer.cancelled == 1
    assert session.told == [OPENED]


async def test_after_a_redial_the_waits_are_those_of_any_connection_again() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, session, NEVER)
    connected.start()
    await dialer.leg()
    connected.redial(leg_to("a"))
    (await dialer.leg(2)).peer_leaves()
    await asyncio.sleep(0.01)
    assert len(dialer.requests) == 2


async def test_a_leg_opened_for_a_station_at_the_door_is_its_session_s_once_that_is_there() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, Session())
    await connected.dial_first()
    dialer.legs[0].peer_says(b"early")
    assert session.told == []
    connected.adopt(session.feed)
    assert session.told == [OPENED, events.LegFrameReceived("a", b"early")]


async def test_a_leg_that_can_not_be_opened_for_a_station_at_the_door_says_why() -> None:
    dialer = FakeDialer()
    dialer.failures.append(DialFailed("no such station", 404))
    connected = connection(dialer, Session())
    with pytest.raises(DialFailed, match="no such station"):
        await connected.dial_first()
    assert connected.gone.is_set()


async def test_a_leg_that_closed_before_the_station_was_in_is_dialled_again_once() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, Session())
    await connected.dial_first()
    dialer.legs[0].peer_leaves()
    connected.adopt(session.feed)
    await dialer.leg(2)
    assert session.told == [OPENED]
    assert len(dialer.requests) == 2


async def test_a_leg_stopped_before_the_station_was_in_stays_closed() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, Session())
    await connected.dial_first()
    connected.stop("the station did not complete its handshake")
    connected.adopt(session.feed)
    await asyncio.wait_for(connected.gone.wait(), 5)
    assert session.told == []
    assert len(dialer.requests) == 1


async def test_a_frame_for_a_leg_that_is_gone_is_lost() -> None:
    dialer, session = FakeDialer(), Session()
    connected = connection(dialer, session, NEVER)
    connected.start()
    leg = await dialer.leg()
    leg.peer_leaves()
    connected.send(b"too late")
    assert leg.sent == []


def test_local_is_there_at_once_answers_at_once_and_is_silent_once_stopped() -> None:
    session = Session()
    csms = LocalCsms("ocpp1.6", LocalAnswers, lambda token: False)

    async def run() -> None:
        local = LocalConnection(csms, FakeClock(), session.feed)
        local.start()
        local.send(b'[2,"1","MeterValues",{}]')
        local.send(b'[3,"1",{}]')
        local.redial(leg_to("local"))
        local.stop("no role any more")
        local.send(b'[2,"2","MeterValues",{}]')
        assert local.gone.is_set()

    asyncio.run(run())
    opened = events.LegOpened("local")
    assert session.told == [opened, events.LegFrameReceived("local", b'[3,"1",{}]'), opened]
