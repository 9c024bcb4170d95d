"""The station's calls: one answer, the owner's; ids; observers (R1, R2, R3, R4, R7)."""

import pytest

from reconciler.model.desired import DesiredCharger
from reconciler.relay import commands
from reconciler.relay.limits import SessionLimits
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger, hybrid

TWO = charger({"home": PRIMARY, "eye": PASSIVE})
AUTHORIZE = '[2,"9","Authorize",{"idTag":"A"}]'
ACCEPTED = '[3,"9",{"idTagInfo":{"status":"Accepted"}}]'


def begun(desired: DesiredCharger = TWO, version: str = "ocpp1.6", limits: SessionLimits | None = None) -> Dialogue:
    d = Dialogue(desired, version, limits=limits)
    d.begins()
    return d


# -- R1, R2: bytes; one answer, the owner's --------------------------------------------------------------------


def test_a_call_reaches_its_owner_and_the_answer_the_station_as_they_came() -> None:
    d = begun(charger({"home": PRIMARY}))
    odd = '  [2, "9" ,"MeterValues",\t{"value": 1.10, "u":"é", "n":1e2}]\n'
    d.station_sends(odd)
    d.expect(to={"home": odd})
    d.csms_sends("home", '[ 3,"9" , {"x" : 1E2}]')
    d.expect(to_station='[ 3,"9" , {"x" : 1E2}]')


def test_the_owners_error_is_the_answer() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", '[4,"9","NotSupported","no",{"a":1}]')
    d.expect(to={"home": AUTHORIZE}, to_station='[4,"9","NotSupported","no",{"a":1}]')


def test_each_feature_is_answered_by_its_own_owner() -> None:
    d = begun(charger({"home": PRIMARY, "pay": hybrid("authorization")}))
    d.station_sends(AUTHORIZE)
    d.expect(to={"pay": AUTHORIZE, "home": AUTHORIZE})
    d.csms_sends("home", '[3,"9",{"idTagInfo":{"status":"Blocked"}}]')
    d.expect()
    d.csms_sends("pay", ACCEPTED)
    d.expect(to_station=ACCEPTED)


def test_a_second_answer_to_the_same_call_is_swallowed() -> None:
    d = begun()
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", ACCEPTED, ACCEPTED)
    d.expect(to={"home": AUTHORIZE, "eye": AUTHORIZE}, to_station=ACCEPTED)
    assert d.notes() == ["stray-answer home"]


def test_an_answer_to_nothing_is_swallowed() -> None:
    d = begun()
    d.csms_sends("home", '[3,"5",{}]', '[4,"5","InternalError","",{}]')
    d.expect()
    assert d.notes() == ["stray-answer home", "stray-answer home"]


def test_an_owner_that_is_too_late_costs_an_error_and_its_answer_is_swallowed() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends(AUTHORIZE)
    d.expect(to={"home": AUTHORIZE})
    d.waits(24.9)
    d.expect()
    d.waits(0.1)
    d.expect(to_station='[4,"9","InternalError","home did not answer Authorize in time",{}]')
    d.csms_sends("home", ACCEPTED)
    d.expect()
    assert d.notes() == ["call-timeout home", "stray-answer home"]


@pytest.mark.parametrize(
    ("version", "action"),
    [("ocpp1.6", "StopTransaction"), ("ocpp1.6", "MeterValues"), ("ocpp2.0.1", "TransactionEvent")],
)
def test_a_transaction_message_is_never_answered_with_the_relays_own_error(version: str, action: str) -> None:
    d = begun(charger({"home": PRIMARY}), version)
    d.station_sends(f'[2,"9","{action}",{{}}]')
    d.expect(to={"home": f'[2,"9","{action}",{{}}]'})
    d.waits(30)
    d.expect()
    assert d.took(commands.CloseStation) == [commands.CloseStation(1013, f"home did not answer {action} in time")]


def test_a_repeated_call_is_asked_once_and_answered_as_often_as_it_was_sent() -> None:
    d = begun()
    d.station_sends(AUTHORIZE, AUTHORIZE)
    d.expect(to={"home": AUTHORIZE, "eye": AUTHORIZE})
    d.csms_sends("home", ACCEPTED)
    d.expect(to_station=[ACCEPTED, ACCEPTED])


def test_another_call_under_an_open_id_is_another_call() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends('[2,"9","Heartbeat",{}]', AUTHORIZE)
    d.expect(to={"home": '[2,"9","Heartbeat",{}]'})
    d.csms_sends("home", '[3,"9",{"currentTime":"x"}]')
    d.expect(to_station='[3,"9",{"currentTime":"x"}]', to={"home": AUTHORIZE})
    d.csms_sends("home", ACCEPTED)
    d.expect(to_station=ACCEPTED)


# -- R3: one at a time -----------------------------------------------------------------------------------------


def test_a_hasty_stations_calls_reach_a_back_end_one_at_a_time_in_order() -> None:
    d = begun(charger({"home": PRIMARY}))
    calls = [f'[2,"{n}","Heartbeat",{{}}]' for n in range(3)]
    d.station_sends(*calls)
    d.expect(to={"home": calls[0]})
    for n, following in ((0, calls[1]), (1, calls[2]), (2, ())):
        d.csms_sends("home", f'[3,"{n}",{{}}]')
        d.expect(to_station=f'[3,"{n}",{{}}]', to={"home": following})


def test_a_call_that_waited_for_its_leg_is_sent_when_the_leg_is_back() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.csms_drops("home")
    d.station_sends(AUTHORIZE)
    d.csms_connects("home")
    d.expect(to={"home": '[2,"r1","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]'})
    d.csms_sends("home", '[3,"r1",{"status":"Accepted","interval":300}]')
    d.expect(to={"home": AUTHORIZE})
    d.csms_sends("home", ACCEPTED)
    d.expect(to_station=ACCEPTED)


def test_a_call_lost_with_its_connection_is_sent_again_on_the_next() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends(AUTHORIZE)
    d.csms_drops("home")
    d.csms_connects("home")
    d.csms_sends("home", '[3,"r1",{"status":"Accepted","interval":300}]', ACCEPTED)
    boot = '[2,"r1","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]'
    d.expect(to={"home": [AUTHORIZE, boot, AUTHORIZE]}, to_station=ACCEPTED)


# -- R4: ids ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["7", "null", "1.50", f'"{"x" * 37}"', f'"{"x" * 5000}"', r'"\u0041"', r'"a\"b"'])
def test_an_id_that_a_leg_can_not_carry_is_replaced_there_and_echoed_exactly(token: str) -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends(f'[2,{token},"Authorize",{{"idTag":"A"}}]')
    d.expect(to={"home": '[2,"r1","Authorize",{"idTag":"A"}]'})
    d.csms_sends("home", '[3,"r1",{}]')
    d.expect(to_station=f"[3,{token},{{}}]")


def test_an_id_of_36_characters_is_kept() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends(f'[2,"{"é" * 36}","Heartbeat",{{}}]')
    d.expect(to={"home": f'[2,"{"é" * 36}","Heartbeat",{{}}]'})


def test_an_error_to_an_odd_id_echoes_it_exactly() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends('[2,5,"Authorize",{}]')
    d.waits(25)
    d.expect(
        to={"home": '[2,"r1","Authorize",{}]'},
        to_station='[4,5,"InternalError","home did not answer Authorize in time",{}]',
    )


def test_a_stations_callresulterror_finds_the_back_end_whose_answer_it_is_about() -> None:
    d = begun(version="ocpp2.1")
    d.station_sends('[2,5,"Heartbeat",{}]')
    d.csms_sends("home", '[3,"r1",{"bad":1}]')
    d.expect(to={"home": '[2,"r1","Heartbeat",{}]'}, to_station='[3,5,{"bad":1}]')
    d.station_sends('[5,5,"FormatViolation","bad",{}]')
    d.expect(to={"home": '[5,"r1","FormatViolation","bad",{}]'})


def test_a_callresulterror_finds_nobody_after_the_grace_or_on_a_lost_leg() -> None:
    d = begun(charger({"home": PRIMARY}), "ocpp2.1")
    d.station_sends('[2,"5","Heartbeat",{}]')
    d.csms_sends("home", '[3,"5",{}]')
    d.expect(to={"home": '[2,"5","Heartbeat",{}]'}, to_station='[3,"5",{}]')
    d.waits(61)
    d.station_sends('[5,"5","FormatViolation","",{}]')
    d.expect()
    d.station_sends('[2,"6","Heartbeat",{}]')
    d.csms_sends("home", '[3,"6",{}]')
    d.csms_drops("home")
    d.station_sends('[5,"6","FormatViolation","",{}]')
    d.expect(to={"home": '[2,"6","Heartbeat",{}]'}, to_station='[3,"6",{}]')
    assert d.notes() == ["stray-answer", "stray-answer"]


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
def test_types_5_and_6_do_not_exist_before_21(version: str) -> None:
    d = begun(version=version)
    d.station_sends('[5,"5","FormatViolation","",{}]', '[6,"5","NotifyPeriodicEventStream",{}]')
    d.expect()
    assert d.notes() == ["unknown-type station", "unknown-type station"]


# -- SEND ------------------------------------------------------------------------------------------------------


def test_a_send_bypasses_the_slot_and_reaches_owner_and_observers() -> None:
    d = begun(version="ocpp2.1")
    d.station_sends('[2,"1","Authorize",{}]')
    d.expect(to={"home": '[2,"1","Authorize",{}]', "eye": '[2,"1","Authorize",{}]'})
    send = '[6,"2","NotifyPeriodicEventStream",{"id":1,"data":[]}]'
    d.station_sends(send)
    d.expect(to={"home": send, "eye": send})


def test_a_send_is_never_stored_for_a_leg_that_is_away() -> None:
    d = begun(version="ocpp2.1")
    d.csms_drops("eye")
    d.station_sends('[6,"2","NotifyPeriodicEventStream",{"id":1}]')
    d.expect(to={"home": '[6,"2","NotifyPeriodicEventStream",{"id":1}]'})
    assert d.notes() == ["copy-dropped eye"]


def test_a_send_reaches_no_observer_that_has_not_accepted_the_charger() -> None:
    d = Dialogue(charger({"home": PRIMARY, "pay": hybrid("metering", "diagnostics")}), "ocpp2.1")
    d.csms_connects("home", "pay")
    d.station_sends('[2,"b","BootNotification",{}]')
    d.csms_sends("home", '[3,"b",{"status":"Pending","interval":60}]')
    d.csms_sends("pay", '[3,"r1",{"status":"Accepted","interval":0}]')
    send = '[6,"2","NotifyPeriodicEventStream",{"id":1}]'
    d.station_sends(send)
    boots = {"home": '[2,"b","BootNotification",{}]', "pay": ['[2,"r1","BootNotification",{}]', send]}
    d.expect(to=boots, to_station='[3,"b",{"status":"Pending","interval":60}]')


# -- R7: observers ---------------------------------------------------------------------------------------------


def test_an_observer_gets_copies_and_its_answers_go_no_further() -> None:
    d = begun()
    d.station_sends(AUTHORIZE)
    d.expect(to={"home": AUTHORIZE, "eye": AUTHORIZE})
    d.csms_sends("eye", '[3,"9",{"idTagInfo":{"status":"Blocked"}}]')
    d.expect()
    d.csms_sends("home", ACCEPTED)
    d.expect(to_station=ACCEPTED)


def test_an_observer_hears_an_odd_id_as_one_of_its_own() -> None:
    d = begun()
    d.station_sends('[2,null,"Authorize",{}]')
    d.expect(to={"home": '[2,"r1","Authorize",{}]', "eye": '[2,"r2","Authorize",{}]'})


def test_an_observers_rejection_garbage_and_loss_touch_nobody() -> None:
    d = begun()
    d.station_sends(AUTHORIZE)
    d.csms_sends("eye", '[4,"9","SecurityError","go away",{}]', "not json")
    d.csms_drops("eye")
    d.csms_sends("home", ACCEPTED)
    d.expect(to={"home": AUTHORIZE, "eye": AUTHORIZE}, to_station=ACCEPTED)


def test_a_frozen_observer_slows_nobody_and_its_copies_are_bounded_in_number() -> None:
    d = begun(limits=SessionLimits(upward_waiting_max=3))
    beats = []
    for number in range(6):
        beats.append(f'[2,"{number}","FirmwareStatusNotification",{{}}]')
        d.station_sends(beats[-1])
        d.csms_sends("home", f'[3,"{number}",{{}}]')
        d.expect(to={"home": beats[-1], "eye": beats[-1] if number == 0 else ()}, to_station=f'[3,"{number}",{{}}]')
    assert d.notes() == ["copy-dropped eye", "copy-dropped eye"]


def test_a_slow_observer_gets_its_copies_one_at_a_time_and_late_answers_are_swallowed() -> None:
    d = begun()
    first, second = '[2,"1","FirmwareStatusNotification",{}]', '[2,"2","FirmwareStatusNotification",{}]'
    d.station_sends(first)
    d.csms_sends("home", '[3,"1",{}]')
    d.station_sends(second)
    d.csms_sends("home", '[3,"2",{}]')
    d.expect(to={"home": [first, second], "eye": first}, to_station=['[3,"1",{}]', '[3,"2",{}]'])
    d.waits(30)
    d.expect(to={"eye": second})
    d.csms_sends("eye", '[3,"1",{}]')
    d.expect()
    d.csms_sends("eye", '[3,"2",{}]')
    d.expect()
    assert d.notes() == ["call-timeout eye", "stray-answer eye"]


def test_copies_for_an_absent_observer_are_kept_for_a_while_and_no_longer() -> None:
    d = begun()
    d.csms_drops("eye")
    d.station_sends('[2,"1","FirmwareStatusNotification",{"n":1}]')
    d.csms_sends("home", '[3,"1",{}]')
    d.waits(100)
    d.station_sends('[2,"2","FirmwareStatusNotification",{"n":2}]')
    d.csms_sends("home", '[3,"2",{}]')
    d.waits(100)
    assert d.notes() == ["copy-dropped eye"]
    d.csms_connects("eye")
    d.csms_sends("eye", '[3,"r1",{"status":"Accepted","interval":0}]')
    sent_to_eye = [
        '[2,"r1","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]',
        '[2,"2","FirmwareStatusNotification",{"n":2}]',
    ]
    both = [f'[2,"{n}","FirmwareStatusNotification",{{"n":{n}}}]' for n in (1, 2)]
    d.expect(to={"home": both, "eye": sent_to_eye}, to_station=['[3,"1",{}]', '[3,"2",{}]'])


def test_only_what_is_observed_is_copied() -> None:
    d = begun(charger({"home": PRIMARY, "eye": hybrid(observes=["transactions"])}))
    d.station_sends('[2,"1","FirmwareStatusNotification",{}]')
    d.expect(to={"home": '[2,"1","FirmwareStatusNotification",{}]'})


def test_an_accepted_token_is_told_for_those_who_must_answer_alone_later() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", ACCEPTED)
    assert d.took(commands.IdTokenAccepted) == [commands.IdTokenAccepted("A")]


# -- R15 -------------------------------------------------------------------------------------------------------


def test_too_many_open_calls_close_the_station() -> None:
    d = begun(limits=SessionLimits(station_calls_max=2))
    for number in range(3):
        d.station_sends(f'[2,"{number}","Heartbeat",{{}}]')
    assert d.took(commands.CloseStation) == [commands.CloseStation(1008, "too many open calls")]
    assert d.notes() == ["too-many-calls", "station-closed"]
    d.csms_sends("home", '[3,"0",{}]')
    d.expect(to={"home": ['[2,"0","Heartbeat",{}]', '[2,"1","Heartbeat",{}]']})
