"""What is taken away after a flip, and only what the binding says (R14)."""

import json

import jsonschema_rs
import pytest
from msgspec.structs import replace

from reconciler.model.desired import FlipPolicy, Handover
from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.handover import Fate, disown, fate_of, take_over
from reconciler.relay.memory import SessionMemory
from reconciler.relay.residue import Residue, ResidueBook
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger
from tests.support.schemas import request_schema

LEFT = [
    ["charging-profile", "5", "old", "TxDefaultProfile level 1 at 0"],
    ["reservation", "7", "old", "connector 1"],
    ["availability", "0", "old", "Inoperative"],
    ["availability", "2", "old", "Inoperative"],
    ["local-list", "", "old", "version 3"],
    ["firmware-job", "", "old", ""],
]
ONLY_2X = [["display-message", "9", "old", ""], ["der-control", "lim-1", "old", "LimitMaxDischarge"]]
EVERYTHING = Handover("clear", "clear", "restore", "clear", "clear", "clear")
NEW_OWNERS = charger({"old": PASSIVE, "new": PRIMARY}).owners


BOOT = '[2,"b","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]'


def book(rows: list[list[str]]) -> ResidueBook:
    made = ResidueBook()
    made.restore(rows)
    return made


def test_by_default_everything_is_kept() -> None:
    assert list(take_over(book(LEFT + ONLY_2X), Handover(), NEW_OWNERS, "ocpp2.1")) == []


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
def test_each_kind_has_a_schema_valid_command(version: str) -> None:
    rows = LEFT + {"ocpp1.6": [], "ocpp2.0.1": ONLY_2X[:1], "ocpp2.1": ONLY_2X}[version]
    done = list(take_over(book(rows), EVERYTHING, NEW_OWNERS, version))
    assert {residue.kind for residue, _ in done} == {row[0] for row in rows} - {"firmware-job"}
    for _, (action, payload) in done:
        jsonschema_rs.validate(request_schema(version, action), json.loads(payload))


def test_what_the_owner_itself_left_is_its_own_business() -> None:
    assert list(take_over(book(LEFT), EVERYTHING, charger({"old": PRIMARY}).owners, "ocpp1.6")) == []


def test_kinds_are_decided_one_by_one() -> None:
    done = list(take_over(book(LEFT), Handover(reservations="clear"), NEW_OWNERS, "ocpp1.6"))
    assert done == [(Residue("reservation", "7", "old", "connector 1"), ("CancelReservation", b'{"reservationId":7}'))]


def test_what_its_owner_wants_gone_is_taken_away_where_it_may_not_do_so_itself() -> None:
    rows = [
        ["charging-profile", "5", "old", "ChargePointMaxProfile level 0 at 0"],
        ["charging-profile", "6", "old", "TxProfile level 0 at 1"],
        ["charging-profile", "7", "new", "ChargePointMaxProfile level 0 at 0"],
        ["reservation", "8", "old", "connector 1"],
    ]
    found = list(disown(book(rows), "old", "charging-profile", ("ChargePointMax",), NEW_OWNERS, "ocpp1.6"))
    assert [(residue.key, action, json.loads(payload)) for residue, (action, payload) in found] == [
        ("5", "ClearChargingProfile", {"id": 5})
    ]
    still = charger({"old": PRIMARY, "new": PASSIVE}).owners
    assert list(disown(book(rows), "old", "charging-profile", ("",), still, "ocpp1.6")) == []


def test_r14_what_an_ended_session_did_not_come_to_is_taken_away_by_the_next() -> None:
    tidy = replace(charger({"new": PRIMARY}), flip=FlipPolicy(handover=Handover(reservations="clear")))
    memory = SessionMemory()
    memory.residue.restore([["reservation", "7", "old", "connector 1"], ["charging-profile", "3", "old", "TxProfile"]])
    for _ in range(2):  # the first one ends before the station answered
        d = Dialogue(tidy, memory=memory)
        d.csms_connects("new")
        d.station_sends(BOOT)
        d.expect(to={"new": BOOT})  # while the station boots nobody commands it
        d.csms_sends("new", '[3,"b",{"status":"Accepted","interval":0,"currentTime":"x"}]')
        cancel = '[2,"r1","CancelReservation",{"reservationId":7}]'
        d.expect(to_station=['[3,"b",{"status":"Accepted","interval":0,"currentTime":"x"}]', cancel])
    d.station_sends('[3,"r1",{"status":"Accepted"}]')
    assert [residue.kind for residue in memory.residue] == ["charging-profile"]


PROFILE, RESERVATION = Residue("charging-profile", "3", "old", "TxProfile"), Residue("reservation", "7", "old")
ANSWERS = [
    (PROFILE, '[3,"r1",{"status":"Accepted"}]', Fate.GONE),
    (PROFILE, '[3,"r1",{"status":"Unknown"}]', Fate.GONE),
    (Residue("availability", "0", "old"), '[3,"r1",{"status":"Scheduled"}]', Fate.GONE),
    (Residue("der-control", "a", "old"), '[3,"r1",{"status":"NotFound"}]', Fate.GONE),
    (RESERVATION, '[3,"r1",{"status":"Rejected"}]', Fate.GONE),
    (Residue("availability", "0", "old"), '[3,"r1",{"status":"Rejected"}]', Fate.LEFT),
    (PROFILE, '[3,"r1",{"status":"Rejected","customData":{"vendorId":"Accepted"}}]', Fate.LEFT),
    (PROFILE, '[3,"r1",{"status":5}]', Fate.LEFT),
    (PROFILE, '[4,"r1","InternalError","",{}]', Fate.LEFT),
    (PROFILE, '[4,"r1","NotSupported","",{}]', Fate.STUCK),
    (PROFILE, '[4,"r1","NotImplemented","",{}]', Fate.STUCK),
    (Residue("local-list", "", "old", "version 3"), '[3,"r1",{"status":"NotSupported"}]', Fate.STUCK),
]


@pytest.mark.parametrize(("residue", "answer", "fate"), ANSWERS)
def test_r14_the_stations_answer_says_what_became_of_a_thing(residue: Residue, answer: str, fate: Fate) -> None:
    read = read_frame(answer.encode())
    assert isinstance(read, Frame)
    assert fate_of(residue, read) is fate


@pytest.mark.parametrize(("code", "asked_again"), [("NotSupported", False), ("InternalError", True)])
def test_r14_a_station_that_does_not_know_the_command_is_asked_once(code: str, asked_again: bool) -> None:
    tidy = replace(charger({"new": PRIMARY}), flip=FlipPolicy(handover=Handover(charging_profiles="clear")))
    memory = SessionMemory()
    memory.residue.restore([["charging-profile", "3", "old", "TxProfile level 0 at 1"]])
    clear = '[2,"r1","ClearChargingProfile",{"id":3}]'
    d = Dialogue(tidy, memory=memory)
    d.begins()
    d.station_sends(f'[4,"b1","{code}","",{{}}]')
    (left,) = memory.residue
    assert left.stuck is not asked_again
    stored = json.loads(json.dumps(memory.snapshot()))
    d = Dialogue(tidy, memory=SessionMemory.restored("ocpp1.6", memory.boot, {}, stored, 0.0))
    d.csms_connects("new")
    d.station_sends(BOOT)
    d.csms_sends("new", '[3,"b",{"status":"Accepted","interval":0,"currentTime":"x"}]')
    answer = '[3,"b",{"status":"Accepted","interval":0,"currentTime":"x"}]'
    d.expect(to={"new": BOOT}, to_station=[answer, clear] if asked_again else answer)


def test_r14_what_is_put_in_its_place_may_be_taken_away_again() -> None:
    made = book([["charging-profile", "5", "old", "TxDefaultProfile level 1 at 0", "stuck"]])
    assert list(take_over(made, EVERYTHING, NEW_OWNERS, "ocpp1.6")) == []
    made.restore([["charging-profile", "5", "old", "TxDefaultProfile level 2 at 0"]])
    assert len(list(take_over(made, EVERYTHING, NEW_OWNERS, "ocpp1.6"))) == 1
