"""What back-ends leave in a station, read off its answers (R14)."""

import json

import pytest

from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.residue import ResidueBook

ACCEPTED = '{"status":"Accepted"}'


def frame(text: str) -> Frame:
    read = read_frame(text.encode())
    assert isinstance(read, Frame)
    return read


def commanded(book: ResidueBook, action: str, payload: dict[str, object], answer: str = ACCEPTED) -> bool:
    return book.command_answered("old", action, json.dumps(payload).encode(), frame(f'[3,"x",{answer}]'))


def reported(book: ResidueBook, action: str, payload: dict[str, object]) -> bool:
    return book.station_reported(frame(json.dumps([2, "x", action, payload])))


PROFILE_16 = {
    "connectorId": 1,
    "csChargingProfiles": {"chargingProfileId": 5, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile"},
}
PROFILE_2X = {"evseId": 0, "chargingProfile": {"id": 6, "stackLevel": 2, "chargingProfilePurpose": "TxProfile"}}


@pytest.mark.parametrize(
    ("action", "payload", "kind", "key"),
    [
        ("SetChargingProfile", PROFILE_16, "charging-profile", "5"),
        ("SetChargingProfile", PROFILE_2X, "charging-profile", "6"),
        ("ReserveNow", {"connectorId": 1, "reservationId": 7}, "reservation", "7"),
        ("ReserveNow", {"evseId": 1, "id": 8}, "reservation", "8"),
        ("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}, "availability", "2"),
        ("ChangeAvailability", {"operationalStatus": "Inoperative"}, "availability", "0"),
        ("SendLocalList", {"listVersion": 3, "updateType": "Full"}, "local-list", ""),
        ("GetLog", {"requestId": 4}, "log-job", "4"),
        ("SetDisplayMessage", {"message": {"id": 9}}, "display-message", "9"),
        ("SetDERControl", {"controlId": "c", "controlType": "Gradients"}, "der-control", "c"),
        ("SetDefaultTariff", {"evseId": 0, "tariff": {"tariffId": "night"}}, "tariff", "night"),
        (
            "ChangeConfiguration",
            {"key": "MeterValueSampleInterval", "value": "5"},
            "configuration",
            "MeterValueSampleInterval",
        ),
    ],
)
def test_an_accepted_command_leaves_something(action: str, payload: dict[str, object], kind: str, key: str) -> None:
    book = ResidueBook()
    assert commanded(book, action, payload)
    assert [(left.kind, left.key, left.owner) for left in book] == [(kind, key, "old")]


def test_a_refused_command_leaves_nothing() -> None:
    book = ResidueBook()
    assert not commanded(book, "SetChargingProfile", PROFILE_16, '{"status":"Rejected"}')
    assert not commanded(book, "Reset", {"type": "Soft"})
    assert list(book) == []


def test_firmware_of_1_6_is_accepted_without_a_status() -> None:
    book = ResidueBook()
    assert commanded(book, "UpdateFirmware", {"location": "x"}, "{}")
    assert reported(book, "FirmwareStatusNotification", {"status": "Downloading"}) is False
    assert reported(book, "FirmwareStatusNotification", {"status": "Installed"})
    assert list(book) == []


def test_clearing_by_id_and_by_criteria() -> None:
    book = ResidueBook()
    commanded(book, "SetChargingProfile", PROFILE_16)
    commanded(book, "SetChargingProfile", PROFILE_2X)
    commanded(book, "ClearChargingProfile", {"chargingProfilePurpose": "TxProfile"})
    assert [left.key for left in book] == ["5"]
    commanded(book, "ClearChargingProfile", {"id": 5})
    assert list(book) == []


def test_clearing_without_criteria_clears_all() -> None:
    book = ResidueBook()
    commanded(book, "SetChargingProfile", PROFILE_16)
    commanded(book, "SetChargingProfile", PROFILE_2X)
    commanded(book, "ClearChargingProfile", {})
    assert list(book) == []


def test_profiles_of_a_transaction_end_with_it() -> None:
    book = ResidueBook()
    commanded(book, "SetChargingProfile", PROFILE_16)
    commanded(book, "SetChargingProfile", PROFILE_2X)
    book.transactions_ended()
    assert [left.key for left in book] == ["5"]


def test_a_reservation_ends_when_it_is_used_or_over() -> None:
    book = ResidueBook()
    commanded(book, "ReserveNow", {"connectorId": 1, "reservationId": 7})
    assert reported(book, "StartTransaction", {"connectorId": 1, "reservationId": 7})
    commanded(book, "ReserveNow", {"evseId": 1, "id": 8})
    assert reported(book, "ReservationStatusUpdate", {"reservationId": 8, "reservationUpdateStatus": "Expired"})
    assert list(book) == []


def test_operative_again_takes_the_word_back_for_one_connector_or_all() -> None:
    book = ResidueBook()
    for connector in (1, 2):
        commanded(book, "ChangeAvailability", {"connectorId": connector, "type": "Inoperative"})
    commanded(book, "ChangeAvailability", {"connectorId": 1, "type": "Operative"})
    assert [left.key for left in book] == ["2"]
    commanded(book, "ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    assert list(book) == []


def test_the_book_survives_as_json() -> None:
    book, restored = ResidueBook(), ResidueBook()
    commanded(book, "SetChargingProfile", PROFILE_16)
    restored.restore(json.loads(json.dumps(book.snapshot())))
    assert list(restored) == list(book)
    assert restored.of("old") == tuple(book)
    assert restored.of("new") == ()


def test_r15_the_book_is_bounded_and_the_oldest_goes_first() -> None:
    book = ResidueBook()
    book.restore([["reservation", str(number), "home", ""] for number in range(600)])
    assert [residue.key for residue in book] == [str(number) for number in range(88, 600)]


def test_what_is_answered_item_by_item_is_left_and_taken_item_by_item() -> None:
    book = ResidueBook()
    of = {"component": {"name": "EVSE", "instance": "1"}, "variable": {"name": "Power"}}
    monitors = [{"id": 1, "status": "Accepted", **of}, {"id": 2, "status": "Rejected", **of}, {"status": "Accepted"}, 5]
    assert commanded(book, "SetVariableMonitoring", {}, json.dumps({"setMonitoringResult": monitors}))
    assert commanded(book, "SetDefaultTariff", {"evseId": 0, "tariff": {"tariffId": "night"}})
    variables = [{"attributeStatus": "RebootRequired", **of}, {"attributeStatus": "Rejected", "component": 5}]
    assert commanded(book, "SetVariables", {}, json.dumps({"setVariableResult": variables}))
    assert [(left.kind, left.key) for left in book] == [
        ("monitor", "1"),
        ("tariff", "night"),
        ("configuration", "EVSE/1.Power"),
    ]
    assert not commanded(book, "ClearTariffs", {}, '{"clearTariffsResult":[{"status":"Rejected","tariffId":"night"}]}')
    assert commanded(book, "ClearTariffs", {}, '{"clearTariffsResult":[{"status":"Accepted","tariffId":"night"}]}')
    assert commanded(book, "ClearVariableMonitoring", {}, '{"clearMonitoringResult":[{"status":"NotFound","id":1}]}')
    assert [left.kind for left in book] == ["configuration"]


def test_r15_much_of_one_kind_pushes_nothing_of_another_out() -> None:
    book = ResidueBook()
    commanded(book, "SetChargingProfile", PROFILE_16)
    for number in range(600):
        commanded(book, "ChangeConfiguration", {"key": f"k{number}", "value": "1"})
    assert next(iter(book)).kind == "charging-profile"
    assert len(list(book)) == 512
