"""Commands of several back-ends at one station: the slot, its queue, refusals (R3, R4, R8)."""

import pytest

from reconciler.model.desired import DesiredCharger
from reconciler.relay.commands import CloseStation
from reconciler.relay.limits import SessionLimits
from tests.support.dialogue import BOOTS, Dialogue
from tests.support.roles import PASSIVE, PRIMARY, READER, charger, hybrid

SHARED = charger({"home": PRIMARY, "pay": hybrid("smart-charging"), "reader": READER})
RESET = '[2,"1","Reset",{"type":"Soft"}]'
CLEAR = '[2,"1","ClearChargingProfile",{}]'
READ = '[2,"1","GetConfiguration",{}]'
OK = '{"status":"Accepted"}'


def begun(desired: DesiredCharger = SHARED, version: str = "ocpp1.6", limits: SessionLimits | None = None) -> Dialogue:
    d = Dialogue(desired, version, limits=limits)
    d.begins()
    return d


# -- R4 --------------------------------------------------------------------------------------------------------


def test_a_command_reaches_the_station_under_a_fresh_id_and_its_answer_comes_back_under_the_back_ends() -> None:
    d = begun()
    d.csms_sends("home", ' [2 ,"1","Reset" , {"type" : "Soft"}]')
    d.expect(to_station=' [2 ,"r1","Reset" , {"type" : "Soft"}]')
    d.station_sends('[3, "r1" ,{"status" : "Accepted"}]')
    d.expect(to={"home": '[3, "1" ,{"status" : "Accepted"}]'})


def test_two_back_ends_that_both_count_from_one_get_their_own_answers() -> None:
    d = begun()
    for number in (1, 2, 3):
        d.csms_sends("home", f'[2,"{number}","Reset",{{}}]')
        d.csms_sends("pay", f'[2,"{number}","ClearChargingProfile",{{}}]')
        ours, theirs = f"r{2 * number - 1}", f"r{2 * number}"
        d.expect(to_station=f'[2,"{ours}","Reset",{{}}]')
        d.station_sends(f'[3,"{ours}",{{"for":"home"}}]')
        d.expect(
            to={"home": f'[3,"{number}",{{"for":"home"}}]'}, to_station=f'[2,"{theirs}","ClearChargingProfile",{{}}]'
        )
        d.station_sends(f'[3,"{theirs}",{{"for":"pay"}}]')
        d.expect(to={"pay": f'[3,"{number}",{{"for":"pay"}}]'})


@pytest.mark.parametrize("token", ["7", "null", f'"{"x" * 5000}"', r'"\u0041"'])
def test_a_back_ends_odd_id_is_echoed_exactly(token: str) -> None:
    d = begun()
    d.csms_sends("home", f'[2,{token},"Reset",{{}}]')
    d.station_sends('[4,"r1","NotSupported","",{}]')
    d.expect(to_station='[2,"r1","Reset",{}]', to={"home": f'[4,{token},"NotSupported","",{{}}]'})


def test_a_signed_command_passes_untouched_but_for_its_id() -> None:
    d = begun(version="ocpp2.0.1")
    d.csms_sends("home", '[2,"1",{"alg":"x"},"Reset-Signed",{"payload":"p"}]')
    d.expect(to_station='[2,"r1",{"alg":"x"},"Reset-Signed",{"payload":"p"}]')


def test_a_command_repeated_while_it_is_open_is_folded_into_it() -> None:
    d = begun()
    d.csms_sends("home", RESET, RESET)
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]', to={"home": f'[3,"1",{OK}]'})
    assert d.notes() == ["duplicate-call home"]


def test_a_back_ends_callresulterror_finds_the_station_whose_answer_it_is_about() -> None:
    d = begun(version="ocpp2.1")
    d.csms_sends("home", RESET)
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]', to={"home": f'[3,"1",{OK}]'})
    d.csms_sends("pay", '[5,"1","FormatViolation","not mine",{}]')
    d.expect()
    d.csms_sends("home", '[5,"1","FormatViolation","bad",{}]')
    d.expect(to_station='[5,"r1","FormatViolation","bad",{}]')
    d.waits(61)
    d.csms_sends("home", '[5,"1","FormatViolation","late",{}]')
    d.expect()
    assert d.notes() == ["stray-answer pay", "stray-answer home"]


def test_a_back_ends_callresulterror_does_not_exist_before_21() -> None:
    d = begun()
    d.csms_sends("home", RESET)
    d.station_sends(f'[3,"r1",{OK}]')
    d.csms_sends("home", '[5,"1","FormatViolation","bad",{}]', '[6,"1","X",{}]')
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]', to={"home": f'[3,"1",{OK}]'})
    assert d.notes() == ["unknown-type home", "unknown-type home"]


# -- R3: the slot ----------------------------------------------------------------------------------------------


def test_one_command_at_a_time_owners_first_then_first_come() -> None:
    d = begun()
    d.csms_sends("home", '[2,"a","Reset",{}]')
    d.csms_sends("reader", '[2,"b","GetConfiguration",{}]', '[2,"c","GetConfiguration",{"key":["x"]}]')
    d.csms_sends("pay", '[2,"d","ClearChargingProfile",{}]')
    d.csms_sends("home", '[2,"e","ClearCache",{}]')
    d.expect(to_station='[2,"r1","Reset",{}]')
    order = [
        ("home", "a", '[2,"r2","ClearChargingProfile",{}]'),
        ("pay", "d", '[2,"r3","ClearCache",{}]'),
        ("home", "e", '[2,"r4","GetConfiguration",{}]'),
        ("reader", "b", '[2,"r5","GetConfiguration",{"key":["x"]}]'),
        ("reader", "c", ()),
    ]
    for number, (backend, id_, following) in enumerate(order, 1):
        d.station_sends(f'[3,"r{number}",{{"n":{number}}}]')
        d.expect(to={backend: f'[3,"{id_}",{{"n":{number}}}]'}, to_station=following)


def test_calls_of_both_directions_may_cross() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.station_sends('[2,"1","Authorize",{}]')
    d.csms_sends("home", RESET)
    d.expect(to={"home": '[2,"1","Authorize",{}]'}, to_station='[2,"r1","Reset",{"type":"Soft"}]')
    d.csms_sends("home", '[3,"1",{}]')
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect(to={"home": f'[3,"1",{OK}]'}, to_station='[3,"1",{}]')


def test_the_queue_is_bounded_in_number() -> None:
    d = begun(limits=SessionLimits(commands_waiting_max=1))
    d.csms_sends("home", '[2,"a","Reset",{}]', '[2,"b","Reset",{}]', '[2,"c","GetLocalListVersion",{}]')
    error = '[4,"c","SecurityError","too many commands wait for the charging station",{}]'
    d.expect(to_station='[2,"r1","Reset",{}]', to={"home": error})
    d.csms_sends("pay", CLEAR)
    d.expect(to={"pay": '[3,"1",{"status":"Unknown"}]'})
    assert d.notes() == ["queue-full home", "queue-full pay"]


def test_commands_whose_connection_is_gone_take_no_place_in_the_queue() -> None:
    d = begun(limits=SessionLimits(commands_waiting_max=1))
    d.csms_sends("home", RESET)
    d.csms_sends("pay", CLEAR)
    d.csms_drops("pay")
    d.csms_sends("home", '[2,"2","ClearCache",{}]')
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect(to_station=['[2,"r1","Reset",{"type":"Soft"}]', '[2,"r2","ClearCache",{}]'], to={"home": f'[3,"1",{OK}]'})


def test_the_queue_is_bounded_in_time() -> None:
    d = begun()
    d.csms_sends("home", RESET)
    d.waits(1)
    d.csms_sends("pay", CLEAR)
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]')
    d.waits(9.9)
    d.expect()
    d.waits(0.1)
    d.expect(to={"pay": '[3,"1",{"status":"Unknown"}]'})
    assert d.notes() == ["queue-timeout pay"]


def test_a_station_that_does_not_answer_frees_the_slot_and_its_late_answer_is_swallowed() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.csms_sends("home", RESET)
    d.waits(25)
    d.csms_sends("home", '[2,"2","ClearCache",{}]')
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]')
    d.waits(5)
    error = '[4,"1","InternalError","the charging station did not answer Reset in time",{}]'
    d.expect(to={"home": error}, to_station='[2,"r2","ClearCache",{}]')
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect()
    assert d.notes() == ["call-timeout station", "stray-answer"]


def test_a_station_that_is_deaf_to_several_commands_in_a_row_is_made_to_dial_anew() -> None:
    d = begun(charger({"home": PRIMARY}))
    for number in range(2):
        d.csms_sends("home", f'[2,"a{number}","Reset",{{}}]')
        d.waits(30)
        d.station_sends(f'[2,"s{number}","Authorize",{{}}]')  # it speaks, but it does not hear
        d.csms_sends("home", f'[3,"s{number}",{{}}]')
    assert d.took(CloseStation) == []
    d.csms_sends("home", '[2,"a2","Reset",{}]')
    d.waits(30)
    assert d.took(CloseStation) == [CloseStation(1011, "no answer to 3 commands in a row")]


def test_a_station_that_answers_now_and_then_or_late_is_not_deaf() -> None:
    d = begun(charger({"home": PRIMARY}))
    for number in range(1, 9):
        d.csms_sends("home", f'[2,"a{number}","Reset",{{}}]')
        d.waits(30)
        if number % 2 == 0:
            d.station_sends(f'[3,"r{number}",{OK}]')
    assert d.took(CloseStation) == []


def test_an_unreadable_answer_leaves_the_slot_until_its_time_is_up() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.csms_sends("home", RESET)
    d.station_sends('[3,"r1",5]', '[3,"r1"')
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]')
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect(to={"home": f'[3,"1",{OK}]'})


def test_the_answer_for_a_lost_connection_does_not_reach_the_next_one() -> None:
    d = begun(charger({"home": PRIMARY}))
    d.csms_sends("home", RESET, '[2,"2","ClearCache",{}]')
    d.csms_drops("home")
    d.csms_connects("home")
    boot = '[2,"r2","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]'
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]', to={"home": boot})
    d.csms_sends("home", '[2,"1","UnlockConnector",{}]')
    d.expect()
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect(to_station='[2,"r3","UnlockConnector",{}]')


def test_a_half_duplex_back_end_is_called_again_once_its_own_call_is_answered() -> None:
    d = begun(charger({"home": PRIMARY}, options={"home": {"half_duplex": True}}))
    d.csms_sends("home", RESET)
    d.station_sends('[2,"9","Authorize",{}]')
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]')
    d.station_sends(f'[3,"r1",{OK}]')
    d.expect(to={"home": [f'[3,"1",{OK}]', '[2,"9","Authorize",{}]']})


def test_a_half_duplex_back_end_is_called_again_once_its_own_call_is_refused() -> None:
    d = begun(charger({"rest": PRIMARY, "home": hybrid("authorization")}, options={"home": {"half_duplex": True}}))
    d.csms_sends("rest", RESET)
    d.csms_sends("home", '[2,"1","ClearCache",{}]')
    d.station_sends('[2,"9","Authorize",{}]')
    d.expect(to_station='[2,"r1","Reset",{"type":"Soft"}]', to={"rest": '[2,"9","Authorize",{}]'})
    d.waits(10)
    d.expect(to={"home": ['[3,"1",{"status":"Rejected"}]', '[2,"9","Authorize",{}]']})


# -- while the station boots -----------------------------------------------------------------------------------

BOOT = f'[2,"1","BootNotification",{BOOTS["ocpp1.6"]}]'


def booted(status: str) -> str:
    return f'[3,"1",{{"status":"{status}","interval":300,"currentTime":"x"}}]'


@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
def test_a_command_before_the_stations_boot_is_answered_waits_for_the_answer(status: str) -> None:
    d = Dialogue(charger({"home": PRIMARY}))
    d.csms_connects("home")
    d.csms_sends("home", READ)
    d.station_sends(BOOT)
    d.expect(to={"home": BOOT})
    d.csms_sends("home", booted(status))
    d.expect(to_station=[booted(status), '[2,"r1","GetConfiguration",{}]'])


def test_a_station_that_is_kept_pending_is_set_up_even_while_it_boots_again() -> None:
    d = Dialogue(charger({"home": PRIMARY}))
    d.csms_connects("home")
    d.station_sends(BOOT)
    d.csms_sends("home", booted("Pending"))
    d.station_sends(BOOT)
    d.expect(to={"home": [BOOT, BOOT]}, to_station=booted("Pending"))
    d.csms_sends("home", READ)
    d.expect(to_station='[2,"r1","GetConfiguration",{}]')


def test_a_command_to_a_station_that_comes_back_without_a_boot_waits_a_moment() -> None:
    d = Dialogue(charger({"home": PRIMARY}))
    d.csms_connects("home")
    d.csms_sends("home", READ)
    d.waits(1.9)
    d.expect()
    d.waits(0.1)
    d.expect(to_station='[2,"r1","GetConfiguration",{}]')


def test_a_command_is_refused_where_the_boot_takes_too_long() -> None:
    d = Dialogue(charger({"home": PRIMARY, "pay": hybrid("smart-charging")}))
    d.csms_connects("home", "pay")
    d.station_sends(BOOT)
    d.csms_sends("pay", CLEAR)
    d.waits(10)
    d.expect(to={"home": BOOT, "pay": [BOOT.replace('"1"', '"r1"'), '[3,"1",{"status":"Unknown"}]']})


# -- R8 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "command", "answer"),
    [
        ("ocpp1.6", RESET, '[3,"1",{"status":"Rejected"}]'),
        ("ocpp1.6", '[2,7,"UnlockConnector",{}]', '[3,7,{"status":"NotSupported"}]'),
        ("ocpp1.6", READ, '[4,"1","SecurityError","home owns provisioning on this charging station",{}]'),
        (
            "ocpp1.6",
            '[2,"1","Nonsense",{}]',
            '[4,"1","SecurityError","home owns provisioning on this charging station",{}]',
        ),
        ("ocpp2.0.1", '[2,"1","RequestStartTransaction",{}]', '[3,"1",{"status":"Rejected"}]'),
        ("ocpp2.1", '[2,"1","ClearTariffs",{"tariffIds":["t"]}]', None),
    ],
)
def test_a_command_without_ownership_is_refused_and_never_reaches_the_station(
    version: str, command: str, answer: str | None
) -> None:
    d = begun(charger({"home": PRIMARY, "eye": PASSIVE}), version)
    d.csms_sends("eye", command)
    d.expect(to={"eye": answer or '[3,"1",{"clearTariffsResult":[{"status":"Rejected","tariffId":"t"}]}]'})
    assert d.notes() == ["refused-call eye"]


def test_may_read_lets_reads_through_and_nothing_else() -> None:
    d = begun()
    d.csms_sends("reader", READ)
    d.expect(to_station='[2,"r1","GetConfiguration",{}]')
    d.station_sends('[3,"r1",{"configurationKey":[]}]')
    d.expect(to={"reader": '[3,"1",{"configurationKey":[]}]'})
    d.csms_sends("reader", '[2,"2","ChangeConfiguration",{}]')
    d.expect(to={"reader": '[3,"2",{"status":"Rejected"}]'})


def test_a_flood_of_refused_commands_leaves_nothing_behind() -> None:
    d = begun(charger({"home": PRIMARY, "eye": PASSIVE}))
    for number in range(500):
        d.csms_sends("eye", f'[2,"{number}","Reset",{{}}]')
    assert not d.session.state.legs["eye"].commands_open
