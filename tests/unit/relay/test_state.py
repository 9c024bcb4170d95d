"""What the parts of a session share."""

from reconciler.relay.commands import CloseStation, Note, SendToStation
from reconciler.relay.limits import SessionLimits
from reconciler.relay.memory import SessionMemory
from reconciler.relay.routing import RouteTable
from reconciler.relay.state import SessionState
from tests.support.roles import PRIMARY, charger


def state() -> SessionState:
    table = RouteTable(charger({"home": PRIMARY}), "ocpp1.6")
    return SessionState("ocpp1.6", SessionMemory(), SessionLimits(), lambda: "r1", table)


def test_commands_gather_in_order() -> None:
    s = state()
    s.send_station(b"x")
    s.note("stray-answer", "home", "Reset", "late")
    assert s.out == [SendToStation(b"x"), Note("stray-answer", "home", "Reset", "late")]


def test_the_station_is_closed_once_and_spoken_to_no_more() -> None:
    s = state()
    s.close_station(1013, "why")
    s.close_station(1008, "again")
    s.send_station(b"x")
    assert s.out == [Note("station-closed", detail="why"), CloseStation(1013, "why")]


def test_a_fresh_id_is_a_json_string() -> None:
    assert state().new_id_token() == b'"r1"'
