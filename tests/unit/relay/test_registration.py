"""Each CSMS leg looks like one well-behaved charger: boot first, statuses, heartbeats (R9)."""

import pytest

from reconciler.model.live import LegPhase
from reconciler.relay.memory import SessionMemory
from tests.support.dialogue import BOOTS, Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger, hybrid

ONE = charger({"home": PRIMARY})
TWO = charger({"home": PRIMARY, "eye": PASSIVE})
VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


def boot(id_: str, version: str = "ocpp1.6") -> str:
    return f'[2,"{id_}","BootNotification",{BOOTS[version]}]'


def accepted(id_: str, interval: float = 300) -> str:
    return f'[3,"{id_}",{{"status":"Accepted","interval":{interval:g},"currentTime":"x"}}]'


def not_accepted(id_: str, status: str, interval: float) -> str:
    return f'[3,"{id_}",{{"status":"{status}","interval":{interval:g},"currentTime":"x"}}]'


def status(id_: str, connector: int, said: str) -> str:
    return f'[2,"{id_}","StatusNotification",{{"connectorId":{connector}, "status":"{said}"}}]'


# -- boot first ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_stations_boot_goes_to_its_owner_as_it_is_and_to_every_other_leg_as_its_own(version: str) -> None:
    d = Dialogue(TWO, version)
    d.csms_connects("home", "eye")
    d.expect()
    d.station_sends(boot("1", version))
    d.expect(to={"home": boot("1", version), "eye": boot("r1", version)})
    d.csms_sends("eye", accepted("r1"))
    d.expect()
    d.csms_sends("home", accepted("1"))
    d.expect(to_station=accepted("1"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_leg_that_is_dialled_again_boots_again_and_then_reports_every_connector(version: str) -> None:
    d = Dialogue(ONE, version)
    d.begins()
    for number, (connector, said) in enumerate([(0, "Available"), (1, "Preparing"), (1, "Charging")]):
        d.station_sends(status(f"s{number}", connector, said))
        d.csms_sends("home", f'[3,"s{number}",{{}}]')
    sent = [status("s0", 0, "Available"), status("s1", 1, "Preparing"), status("s2", 1, "Charging")]
    d.expect(to={"home": sent}, to_station=[f'[3,"s{n}",{{}}]' for n in range(3)])
    d.csms_drops("home")
    d.csms_connects("home")
    d.expect(to={"home": boot("r1", version)})
    d.csms_sends("home", accepted("r1"))
    d.expect(to={"home": status("r2", 0, "Available")})
    d.csms_sends("home", '[3,"r2",{}]')
    d.expect(to={"home": status("r3", 1, "Charging")})
    d.csms_sends("home", '[3,"r3",{}]')
    d.expect()


def test_a_new_boot_makes_old_statuses_void() -> None:
    d = Dialogue(ONE)
    d.begins()
    d.station_sends(status("1", 1, "Charging"))
    d.csms_sends("home", '[3,"1",{}]')
    d.station_sends(boot("2"))
    d.csms_sends("home", accepted("2"))
    d.csms_drops("home")
    d.csms_connects("home")
    d.csms_sends("home", accepted("r1"))
    d.expect(to={"home": [status("1", 1, "Charging"), boot("2"), boot("r1")]}, to_station=['[3,"1",{}]', accepted("2")])


def test_nothing_goes_to_an_observer_before_its_own_accepted_boot_and_stale_statuses_are_not_repeated() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", accepted("1"))
    d.station_sends(status("2", 1, "Available"))
    d.csms_sends("home", '[3,"2",{}]')
    metering = '[2,"3","MeterValues",{"connectorId":1}]'
    d.station_sends(metering)
    d.expect(
        to={
            "home": [boot("1"), status("2", 1, "Available"), metering],
            "eye": boot("r1"),
        },
        to_station=[accepted("1"), '[3,"2",{}]'],
    )
    d.csms_sends("eye", accepted("r1"))
    d.expect(to={"eye": status("r2", 1, "Available")})
    d.csms_sends("eye", '[3,"r2",{}]')
    d.expect(to={"eye": metering})


def test_a_reconnected_station_that_keeps_silent_is_booted_from_memory_after_a_moment() -> None:
    memory = SessionMemory()
    first = Dialogue(TWO, memory=memory)
    first.begins()
    first.station_sends(status("1", 1, "Charging"))
    first.station_leaves()
    d = Dialogue(TWO, memory=memory)
    d.csms_connects("home", "eye")
    d.expect()
    d.waits(1.9)
    d.expect()
    d.waits(0.1)
    d.expect(to={"home": boot("r1"), "eye": boot("r2")})
    d.csms_sends("home", accepted("r1"))
    d.expect(to={"home": status("r3", 1, "Charging")})


def test_a_reconnected_station_that_speaks_is_booted_from_memory_at_once() -> None:
    memory = SessionMemory()
    Dialogue(TWO, memory=memory).begins()
    d = Dialogue(TWO, memory=memory)
    d.csms_connects("home", "eye")
    d.station_sends('[2,"1","Heartbeat",{}]')
    d.expect(to={"home": boot("r1"), "eye": boot("r2")})
    d.csms_sends("home", accepted("r1"))
    d.expect(to={"home": '[2,"1","Heartbeat",{}]'})


def test_a_reconnected_station_that_boots_by_itself_is_not_booted_twice() -> None:
    memory = SessionMemory()
    Dialogue(TWO, memory=memory).begins()
    d = Dialogue(TWO, memory=memory)
    d.csms_connects("home", "eye")
    d.waits(1)
    d.station_sends(boot("1"))
    d.expect(to={"home": boot("1"), "eye": boot("r1")})
    d.waits(5)
    d.expect()


def test_without_any_known_boot_the_owner_of_provisioning_resumes_and_others_wait() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.waits(5)
    d.expect()
    d.station_sends('[2,"1","Heartbeat",{}]', '[2,"2","MeterValues",{}]')
    d.csms_sends("home", '[3,"1",{}]')
    d.expect(to={"home": ['[2,"1","Heartbeat",{}]', '[2,"2","MeterValues",{}]']}, to_station='[3,"1",{}]')
    assert (d.phase("home"), d.phase("eye")) == (LegPhase.REGISTERED, LegPhase.CONNECTED)


def test_a_reboot_is_told_to_every_leg() -> None:
    d = Dialogue(TWO)
    d.begins()
    d.station_sends(boot("9"))
    d.expect(to={"home": boot("9"), "eye": boot("r1")})


def test_a_boot_said_in_another_version_is_not_replayed() -> None:
    memory = SessionMemory()
    Dialogue(ONE, "ocpp1.6", memory=memory).begins()
    d = Dialogue(ONE, "ocpp2.0.1", memory=memory)
    d.csms_connects("home")
    d.waits(10)
    d.expect()


# -- Pending, Rejected, no answer ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "interval", "wait", "phase"),
    [
        ("Pending", 20, 20, LegPhase.PENDING),
        ("Rejected", 90, 90, LegPhase.REJECTED),
        ("Rejected", 0, 60, LegPhase.REJECTED),
        ("Pending", 0.001, 5, LegPhase.PENDING),
        ("Nonsense", 10, 10, LegPhase.REJECTED),
    ],
)
def test_a_replayed_boot_that_is_not_accepted_is_repeated(
    said: str, interval: float, wait: float, phase: LegPhase
) -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", accepted("1"))
    d.csms_sends("eye", not_accepted("r1", said, interval))
    d.station_sends('[2,"2","MeterValues",{}]')
    sent = {"home": [boot("1"), '[2,"2","MeterValues",{}]'], "eye": boot("r1")}
    d.expect(to=sent, to_station=accepted("1"))
    assert d.phase("eye") is phase
    d.csms_sends("home", '[3,"2",{}]')
    d.expect(to_station='[3,"2",{}]')
    d.waits(wait - 0.1)
    d.expect()
    d.waits(0.1)
    d.expect(to={"eye": boot("r2")})
    d.csms_sends("eye", accepted("r2"))
    d.expect(to={"eye": '[2,"2","MeterValues",{}]'})


def test_an_unreadable_or_failed_boot_answer_is_no_acceptance() -> None:
    for answer in ('[3,"r1",{"status":5}]', '[3,"r1",null]', '[4,"r1","InternalError","",{}]'):
        d = Dialogue(TWO)
        d.csms_connects("home", "eye")
        d.station_sends(boot("1"))
        d.csms_sends("home", accepted("1"))
        d.csms_sends("eye", answer)
        assert d.phase("eye") is LegPhase.REJECTED
        d.waits(60)
        d.expect(to={"home": boot("1"), "eye": [boot("r1"), boot("r2")]}, to_station=accepted("1"))


def test_a_back_end_that_ignores_a_replayed_boot_is_asked_again_later() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", accepted("1"))
    d.waits(30)
    assert d.phase("eye") is LegPhase.UNANSWERED
    d.waits(60)
    assert d.phase("eye") is LegPhase.REGISTERING
    d.expect(to={"home": boot("1"), "eye": [boot("r1"), boot("r2")]}, to_station=accepted("1"))


def test_an_owner_that_ignores_the_stations_own_boot_and_then_owns_nothing_is_asked_as_everybody_else() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("eye", accepted("r1"))
    d.waits(30)
    assert d.phase("home") is LegPhase.UNANSWERED
    d.wants(charger({"home": PASSIVE, "eye": PRIMARY}))
    assert d.phase("home") is LegPhase.UNANSWERED
    d.waits(60)
    assert d.phase("home") is LegPhase.REGISTERING


def test_a_boot_that_a_busy_half_duplex_back_end_leaves_no_room_for_is_repeated() -> None:
    desired = charger({"home": PRIMARY, "pay": hybrid("smart-charging")}, options={"pay": {"half_duplex": True}})
    d = Dialogue(desired)
    d.begins()
    clear = '"ClearChargingProfile",{}]'
    d.csms_sends("pay", f'[2,"1",{clear}')
    d.station_sends(boot("3"))
    d.csms_sends("home", accepted("3"))
    d.waits(25)
    d.csms_sends("pay", f'[2,"2",{clear}')
    d.waits(10)
    d.expect(
        to_station=[f'[2,"r1",{clear}', accepted("3"), f'[2,"r2",{clear}'],
        to={"home": boot("3"), "pay": _station_silent("1", "ClearChargingProfile")},
    )
    assert d.phase("pay") is LegPhase.UNANSWERED
    d.waits(54)
    d.expect(to={"pay": _station_silent("2", "ClearChargingProfile")})
    d.waits(1)
    assert d.phase("pay") is LegPhase.REGISTERING
    d.expect(to={"pay": boot("r3")})


def _station_silent(id_: str, action: str) -> str:
    return f'[4,"{id_}","InternalError","the charging station did not answer {action} in time",{{}}]'


def test_the_owners_pending_is_the_stations_own_affair() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", not_accepted("1", "Pending", 30))
    d.expect(to={"home": boot("1"), "eye": boot("r1")}, to_station=not_accepted("1", "Pending", 30))
    d.csms_sends("home", '[2,"c","GetConfiguration",{}]')
    d.expect(to_station='[2,"r2","GetConfiguration",{}]')
    d.station_sends(status("2", 1, "Available"))
    d.expect(to={"home": status("2", 1, "Available")})
    d.csms_sends("home", '[3,"2",{}]')
    d.expect(to_station='[3,"2",{}]')
    d.waits(60)
    d.station_sends(boot("3"))
    d.csms_sends("home", accepted("3"))
    assert d.phase("home") is LegPhase.REGISTERED


def test_a_pending_owner_gets_the_stations_own_frames_but_no_copies() -> None:
    d = Dialogue(charger({"home": PRIMARY, "pay": hybrid("metering")}), "ocpp2.1")
    d.csms_connects("home", "pay")
    d.station_sends(boot("1", "ocpp2.1"))
    d.csms_sends("pay", accepted("r1", 0))
    d.csms_sends("home", not_accepted("1", "Pending", 30))
    started = [boot("1", "ocpp2.1"), boot("r1", "ocpp2.1")]
    d.expect(to={"home": started[0], "pay": started[1]}, to_station=not_accepted("1", "Pending", 30))
    d.station_sends('[2,"2","MeterValues",{}]', '[2,"3","SecurityEventNotification",{}]')
    own, others = '[2,"3","SecurityEventNotification",{}]', '[2,"2","MeterValues",{}]'
    d.expect(to={"pay": others, "home": own})


# -- heartbeats ------------------------------------------------------------------------------------------------


def test_every_leg_beats_at_its_own_interval() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", accepted("1", 1000))
    d.csms_sends("eye", accepted("r1", 60))
    d.expect(to={"home": boot("1"), "eye": boot("r1")}, to_station=accepted("1", 1000))
    for id_ in ("r2", "r3"):
        d.waits(59.9)
        d.expect()
        d.waits(0.1)
        d.expect(to={"eye": f'[2,"{id_}","Heartbeat",{{}}]'})
        d.csms_sends("eye", f'[3,"{id_}",{{"currentTime":"x"}}]')
        d.expect()


def test_the_stations_own_beat_is_the_owners_and_the_relay_adds_one_only_where_it_is_late() -> None:
    d = Dialogue(TWO)
    d.begins(100)
    d.waits(99)
    d.station_sends('[2,"1","Heartbeat",{}]')
    d.csms_sends("home", '[3,"1",{"currentTime":"x"}]')
    d.expect(to={"home": '[2,"1","Heartbeat",{}]'}, to_station='[3,"1",{"currentTime":"x"}]')
    d.waits(1)
    d.expect(to={"eye": '[2,"r1","Heartbeat",{}]'})
    d.csms_sends("eye", '[3,"r1",{}]')
    d.waits(99)
    d.expect()
    d.waits(11)
    d.expect(to={"eye": '[2,"r2","Heartbeat",{}]', "home": '[2,"r3","Heartbeat",{}]'})


def test_an_interval_of_nought_means_no_beats() -> None:
    d = Dialogue(ONE)
    d.begins(0)
    d.waits(5000)
    d.expect()
