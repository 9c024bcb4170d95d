"""NotifyEvent about availability: kept by place as it was written, and told to who comes later (R9)."""

import json

from reconciler.relay.availability import ReportedAvailability
from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.memory import SessionMemory
from tests.support.dialogue import BOOTS, Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger

TWO = charger({"home": PRIMARY, "eye": PASSIVE})


def event(connector: int, said: str, variable: str = "AvailabilityState") -> str:
    evse = f'{{"id":1,"connectorId":{connector}}}'
    return (
        f'{{"eventId":7,"actualValue":"{said}","component":{{"name":"Connector","evse":{evse}}}, '
        f'"variable":{{"name":"{variable}"}}}}'
    )


def payload(*events: str, at: str = "2026-12-01T00:00:00Z") -> str:
    return f'{{"generatedAt":"{at}","seqNo":0,"eventData":[{",".join(events)}]}}'


def notify(id_: str, *events: str, at: str = "2026-12-01T00:00:00Z") -> str:
    return f'[2,"{id_}","NotifyEvent",{payload(*events, at=at)}]'


def frame(text: str) -> Frame:
    read = read_frame(text.encode())
    assert isinstance(read, Frame)
    return read


def accepted(id_: str) -> str:
    return f'[3,"{id_}",{{"status":"Accepted","interval":300,"currentTime":"x"}}]'


def test_the_last_of_each_place_is_kept_as_it_was_written() -> None:
    told = ReportedAvailability()
    assert told.payload() is None
    assert told.reported(frame(notify("1", event(1, "Available"), event(2, "Available"), at="a")))
    assert told.reported(frame(notify("2", event(1, "Occupied"), at="b")))
    assert told.payload() == payload(event(2, "Available"), event(1, "Occupied"), at="b").encode()


def test_other_events_and_what_can_not_be_read_are_passed_over() -> None:
    told = ReportedAvailability()
    for said in (
        notify("1", event(1, "true", "Problem")),
        '[2,"2","NotifyEvent",{"eventData":["AvailabilityState"]}]',
        '[2,"3","NotifyEvent",{"eventData":"AvailabilityState"}]',
    ):
        assert not told.reported(frame(said))
    assert told.payload() is None


def test_r15_places_are_bounded() -> None:
    told = ReportedAvailability()
    for connector in range(300):
        told.reported(frame(notify("1", event(connector, "Available"))))
    kept = told.payload()
    assert kept is not None
    assert len(json.loads(kept)["eventData"]) == 256


def test_it_survives_a_restart_and_ends_with_a_boot() -> None:
    memory = SessionMemory()
    memory.use_version("ocpp2.1")
    memory.availability.reported(frame(notify("1", event(1, "Occupied"))))
    again = SessionMemory.restored("ocpp2.1", memory.boot, memory.statuses, memory.snapshot(), 0.0)
    assert again.availability.payload() == payload(event(1, "Occupied")).encode()
    again.station_booted(frame(f'[2,"2","BootNotification",{BOOTS["ocpp2.1"]}]'))
    assert again.availability.payload() is None


def test_a_back_end_that_comes_later_hears_it_after_its_boot_and_before_all_else() -> None:
    d = Dialogue(TWO, "ocpp2.1")
    d.csms_connects("home", "eye")
    boot, occupied = f'"BootNotification",{BOOTS["ocpp2.1"]}]', event(1, "Occupied")
    d.station_sends(f'[2,"1",{boot}')
    d.csms_sends("home", accepted("1"))
    d.station_sends(notify("2", occupied))
    d.csms_sends("home", '[3,"2",{}]')
    d.expect(
        to={"home": [f'[2,"1",{boot}', notify("2", occupied)], "eye": f'[2,"r1",{boot}'},
        to_station=[accepted("1"), '[3,"2",{}]'],
    )
    d.csms_drops("eye")
    d.csms_connects("eye")
    d.csms_sends("eye", accepted("r2"))
    d.expect(to={"eye": [f'[2,"r2",{boot}', notify("r3", occupied)]})
