"""The station's open calls; in 1.6, each back-end knows a transaction by its own id (R2, R9)."""

import pytest

from tests.support.dialogue import BOOTS, Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger

TWO = charger({"home": PRIMARY, "eye": PASSIVE})
ACCEPTED = '{"status":"Accepted","interval":300}'


def start(id_: str) -> str:
    return f'[2,"{id_}","StartTransaction",{{"connectorId":1,"idTag":"A","meterStart":0,"timestamp":"x"}}]'


def transaction(id_: str, number: object) -> str:
    return f'[3,"{id_}",{{"idTagInfo":{{"status":"Accepted"}}, "transactionId" : {number} }}]'


def with_transaction(action: str, id_: str, number: object) -> str:
    return f'[2,"{id_}","{action}",{{"transactionId" :{number},"value": 1.10}}]'


def charging(owners_id: object = 7, observers_id: object = 900) -> Dialogue:
    d = Dialogue(TWO)
    d.begins()
    d.station_sends(start("1"))
    d.csms_sends("eye", transaction("1", observers_id))
    d.csms_sends("home", transaction("1", owners_id))
    d.expect(to={"home": start("1"), "eye": start("1")}, to_station=transaction("1", owners_id))
    return d


@pytest.mark.parametrize("number", [7, 0, -5, 2**63 - 1, 2**63, 10**30])
def test_the_station_lives_with_the_owners_id_and_every_observer_with_its_own(number: int) -> None:
    d = charging(number)
    for action, id_ in (("MeterValues", "2"), ("StopTransaction", "3")):
        d.station_sends(with_transaction(action, id_, number))
        d.expect(to={"home": with_transaction(action, id_, number), "eye": with_transaction(action, id_, 900)})
        d.csms_sends("home", f'[3,"{id_}",{{}}]')
        d.csms_sends("eye", f'[3,"{id_}",{{}}]')
        d.expect(to_station=f'[3,"{id_}",{{}}]')
    assert not d.session.state.memory.transactions


def test_an_observer_that_never_named_an_id_hears_that_none_is_known() -> None:
    d = Dialogue(TWO)
    d.begins()
    d.station_sends(start("1"))
    d.csms_sends("eye", '[4,"1","InternalError","",{}]')
    d.csms_sends("home", transaction("1", 7))
    d.station_sends(with_transaction("StopTransaction", "2", 7))
    d.expect(
        to={
            "home": [start("1"), with_transaction("StopTransaction", "2", 7)],
            "eye": [start("1"), with_transaction("StopTransaction", "2", -1)],
        },
        to_station=transaction("1", 7),
    )


def test_the_ids_outlive_the_stations_connection() -> None:
    first = charging()
    first.station_leaves()
    d = Dialogue(TWO, memory=first.memory)
    d.csms_connects("home", "eye")
    d.waits(2)
    d.csms_sends("home", f'[3,"r1",{ACCEPTED}]')
    d.csms_sends("eye", f'[3,"r2",{ACCEPTED}]')
    boot = BOOTS["ocpp1.6"]
    d.expect(to={"home": f'[2,"r1","BootNotification",{boot}]', "eye": f'[2,"r2","BootNotification",{boot}]'})
    d.station_sends(with_transaction("StopTransaction", "2", 7))
    d.expect(
        to={"home": with_transaction("StopTransaction", "2", 7), "eye": with_transaction("StopTransaction", "2", 900)}
    )


def test_a_new_owner_is_told_its_own_id_and_may_stop_by_it() -> None:
    d = charging()
    d.flips(charger({"home": PASSIVE, "eye": PRIMARY}))
    d.csms_sends("eye", '[2,"c","RemoteStopTransaction",{"transactionId":900}]')
    d.expect(to_station='[2,"r1","RemoteStopTransaction",{"transactionId":7}]')
    d.station_sends('[3,"r1",{"status":"Accepted"}]')
    d.csms_sends("eye", '[2,"d","SetChargingProfile",{"csChargingProfiles":{"transactionId":900,"x":1.0}}]')
    d.expect(
        to={"eye": '[3,"c",{"status":"Accepted"}]'},
        to_station='[2,"r2","SetChargingProfile",{"csChargingProfiles":{"transactionId":7,"x":1.0}}]',
    )
    d.station_sends(with_transaction("StopTransaction", "2", 7))
    d.expect(
        to={"eye": with_transaction("StopTransaction", "2", 900), "home": with_transaction("StopTransaction", "2", 7)}
    )


def test_a_new_owners_id_that_the_station_has_already_is_replaced_by_a_free_one() -> None:
    d = charging()
    d.flips(charger({"home": PASSIVE, "eye": PRIMARY}))
    d.station_sends(start("2"))
    d.csms_sends("eye", transaction("2", 7))
    d.expect(to={"home": start("2"), "eye": start("2")}, to_station=transaction("2", 8))
    d.station_sends(with_transaction("StopTransaction", "3", 8))
    d.expect(to={"eye": with_transaction("StopTransaction", "3", 7)})


def test_a_failed_start_leaves_nothing() -> None:
    d = Dialogue(TWO)
    d.begins()
    d.station_sends(start("1"))
    d.csms_sends("home", '[4,"1","InternalError","",{}]')
    d.expect(to={"home": start("1"), "eye": start("1")}, to_station='[4,"1","InternalError","",{}]')
    assert d.session.state.memory.ids.snapshot() == []
    assert d.session.state.memory.transactions == {}


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp2.1"])
def test_in_2x_the_stations_id_is_everybodys(version: str) -> None:
    d = Dialogue(TWO, version)
    d.begins()
    event = (
        '[2,"1","TransactionEvent",{"eventType":"Started","transactionInfo":{"transactionId":"t"},"transactionId":7}]'
    )
    d.station_sends(event)
    d.expect(to={"home": event, "eye": event})
    d.csms_sends("home", '[3,"1",{}]')
    assert list(d.session.state.memory.transactions) == ["t"]
