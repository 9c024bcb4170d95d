"""A session as a whole: who it listens to, hostile frames, endings (R12, R15, R16)."""

import pytest

from reconciler.relay import commands, events
from reconciler.relay.limits import SessionLimits
from reconciler.relay.memory import SessionMemory
from reconciler.relay.session import Session
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger, hybrid

TWO = charger({"home": PRIMARY, "eye": PASSIVE})


def begun(version: str = "ocpp1.6", limits: SessionLimits | None = None) -> Dialogue:
    d = Dialogue(TWO, version, limits=limits)
    d.begins()
    return d


def test_a_session_opens_its_legs_and_runs_its_first_generation() -> None:
    ids = iter("abc")
    session = Session("ocpp1.6", 7, TWO, SessionMemory(), lambda: next(ids))
    opened = session.open(0.0)
    assert [c.leg.backend.name for c in opened if isinstance(c, commands.OpenLeg)] == ["home", "eye"]
    assert opened[-1] == commands.GenerationRuns(7, TWO.owners, TWO.owners)
    assert session.state.generation == 7
    assert session.next_timer() == 2.0


def test_frames_of_back_ends_that_are_not_connected_are_ignored() -> None:
    d = Dialogue(TWO)
    d.csms_sends("home", '[2,"1","Reset",{}]')
    d.csms_sends("stranger", '[2,"1","Reset",{}]')
    d.csms_connects("stranger")
    d.expect()


def test_an_early_timer_does_no_harm() -> None:
    d = begun()
    d.happens(events.TimerFired())
    d.expect()


# -- R12: endings ----------------------------------------------------------------------------------------------


def test_the_stations_end_is_the_end_of_every_leg() -> None:
    d = begun()
    d.station_sends('[2,"9","Authorize",{}]')
    d.csms_sends("home", '[2,"1","Reset",{}]')
    d.expect(to={"home": '[2,"9","Authorize",{}]', "eye": '[2,"9","Authorize",{}]'}, to_station='[2,"r1","Reset",{}]')
    d.station_leaves()
    assert [c.backend for c in d.took(commands.CloseLeg)] == ["home", "eye"]
    assert d.session.next_timer() is None
    for late in (
        events.LegFrameReceived("home", b'[3,"9",{}]'),
        events.LegClosed("home", "x"),
        events.LegOpened("eye"),
    ):
        d.happens(late)
    d.station_sends('[2,"10","Authorize",{}]')
    d.station_leaves()
    d.expect()
    assert d.took(commands.CloseLeg) == []


def test_nothing_is_sent_to_a_station_whose_socket_is_to_be_closed() -> None:
    d = begun(limits=SessionLimits(station_calls_max=1))
    d.station_sends('[2,"1","Authorize",{}]', '[2,"2","Authorize",{}]')
    assert len(d.took(commands.CloseStation)) == 1
    d.csms_sends("home", '[3,"1",{}]', '[2,"1","Reset",{}]')
    d.station_sends("not json")
    d.waits(100)
    d.expect(to={"home": '[2,"1","Authorize",{}]', "eye": '[2,"1","Authorize",{}]'})


def test_an_owner_that_stays_away_closes_the_station_so_that_it_queues() -> None:
    d = begun()
    d.csms_drops("home")
    d.waits(29.9)
    d.csms_is_unreachable("home")
    assert d.took(commands.CloseStation) == []
    d.waits(0.1)
    assert d.took(commands.CloseStation) == [commands.CloseStation(1013, "home is away: refused")]


def test_an_owner_that_never_came_closes_the_station_too() -> None:
    d = Dialogue(TWO)
    d.waits(30)
    assert d.took(commands.CloseStation) == [commands.CloseStation(1013, "home is away: not connected yet")]


def test_an_owner_that_comes_back_in_time_is_forgiven() -> None:
    d = begun()
    d.csms_drops("home")
    d.waits(29)
    d.csms_connects("home")
    d.waits(29)
    assert d.took(commands.CloseStation) == []


def test_an_observer_may_stay_away_for_ever() -> None:
    d = begun()
    d.csms_drops("eye")
    d.waits(10_000)
    assert d.took(commands.CloseStation) == []


# -- R16: hostile and broken input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "raw", "answer"),
    [
        ("ocpp1.6", '[2,"1","Heartbeat",5]', '[4,"1","FormationViolation","the payload is no JSON object",{}]'),
        ("ocpp2.0.1", '[2,"1","Heartbeat",5]', '[4,"1","FormatViolation","the payload is no JSON object",{}]'),
        ("ocpp2.1", '[2,1.50,"Heartbeat"]', '[4,1.50,"FormatViolation","the payload is no JSON object",{}]'),
        ("ocpp1.6", "hello", None),
        ("ocpp2.0.1", "[]", '[4,"-1","RpcFrameworkError","Expected `array` of at least length 2, got 0",{}]'),
        ("ocpp2.1", "{}", '[4,"-1","RpcFrameworkError","Expected `array`, got `object`",{}]'),
        ("ocpp1.6", '[9,"1",{}]', None),
        ("ocpp2.0.1", '[9,"1",{}]', '[4,"1","MessageTypeNotSupported","",{}]'),
        ("ocpp2.1", '[9,"1",{}]', None),
        ("ocpp2.1", '[3,"1","x"]', None),
        ("ocpp2.1", '[4,"1",7,"",{}]', None),
        ("ocpp2.1", '[5,"1",7,"",{}]', None),
        ("ocpp2.1", '[6,"1",7,{}]', None),
    ],
)
def test_what_can_not_be_read_is_answered_as_its_version_has_it_and_not_forwarded(
    version: str, raw: str, answer: str | None
) -> None:
    d = begun(version)
    d.station_sends(raw)
    d.expect(to_station=answer or ())
    d.csms_sends("home", raw)
    d.expect(to={"home": answer or ()})
    d.csms_sends("eye", raw)
    d.expect(to={"eye": answer or ()})
    assert {note.split()[0] for note in d.notes()} <= {"malformed-frame", "unknown-type"}


HOSTILE = [
    b"",
    b"\xff\xfe\x00",
    b"[" * 50_000,
    b'[2,"1","A",' + b'{"a":' * 50_000,
    b'[2,"' + b"x" * 100_000 + b'","Heartbeat",{}]',
    b'[2,"1","' + b"A" * 100_000 + b'",{}]',
    b'[2,"\\ud800","Heartbeat",{}]',
    b'[2,"1","DataTransfer",null]',
    b'[2,"1","SetVariables",null]',
    b'[2,"1","StartTransaction",{"transactionId":' + b"9" * 6000 + b"}]",
    b'[3,"1",{"transactionId":' + b"9" * 6000 + b"}]",
    b'[2,"1","BootNotification",null]',
    b'[2,"1","StatusNotification",{"connectorId":1e999}]',
    b'[2,{"a":[1]},"Heartbeat",{}]',
    b'[3,"1",{"status":"Accepted","interval":1e308}]',
    b'[2,"1","Heartbeat",{"a":"\xff"}]',
]


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_no_frame_of_anybody_at_any_time_harms_a_session(version: str, raw: bytes) -> None:
    d = Dialogue(charger({"home": PRIMARY, "eye": PASSIVE, "iso": hybrid(vendors=["iso*"])}), version)
    for _ in range(2):
        d.station_sends(raw)
        d.csms_sends("home", raw)
        d.csms_connects("home", "eye", "iso")
        d.station_sends(raw)
        for name in ("home", "eye", "iso"):
            d.csms_sends(name, raw)
        d.waits(40)
    assert d.session.state.memory.snapshot() is not None


def test_after_any_nonsense_the_session_works_as_before() -> None:
    d = begun()
    for raw in HOSTILE[:3]:
        d.station_sends(raw)
        d.csms_sends("home", raw)
        d.csms_sends("eye", raw)
    d.csms_sends("home", '[2,"c","Reset",{}]')
    d.expect(to_station='[2,"r1","Reset",{}]')
    d.station_sends('[3,"r1",{"status":"Accepted"}]')
    d.expect(to={"home": '[3,"c",{"status":"Accepted"}]'})


# -- R15: bounds -----------------------------------------------------------------------------------------------


def test_a_flood_from_every_side_grows_nothing() -> None:
    limits = SessionLimits(upward_waiting_max=4, commands_waiting_max=4, station_calls_max=5)
    d = begun("ocpp2.1", limits)
    for number in range(1000):
        for name in ("home", "eye"):
            d.csms_sends(name, f'[2,"{number}","Reset",{{}}]', f'[3,"{number}",{{}}]', f'[5,"{number}","X","",{{}}]')
        d.station_sends(f'[3,"{number}",{{}}]', f'[5,"{number}","X","",{{}}]', f'[6,"{number}","X",{{}}]')
    state = d.session.state
    assert all(len(leg.waiting) <= 4 and len(leg.commands_open) <= 5 for leg in state.legs.values())
    assert d.took(commands.CloseStation) == []
    for number in range(1000):
        d.station_sends(f'[2,"{number}","StatusNotification",{{"connectorId":{number}}}]')
    assert len(state.memory.statuses) <= 256
    assert all(len(leg.waiting) <= 5 for leg in state.legs.values())
    assert len(d.took(commands.CloseStation)) == 1
