"""Boots that overtake each other, and flips amid a registration: the last word counts (R9)."""

from reconciler.model.live import LegPhase
from reconciler.relay import commands
from reconciler.relay.memory import SessionMemory
from tests.support.dialogue import BOOTS, Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger, hybrid

ONE = charger({"home": PRIMARY})
TWO = charger({"home": PRIMARY, "eye": PASSIVE})


def boot(id_: str, version: str = "ocpp1.6") -> str:
    return f'[2,"{id_}","BootNotification",{BOOTS[version]}]'


def accepted(id_: str, interval: float = 300) -> str:
    return f'[3,"{id_}",{{"status":"Accepted","interval":{interval:g},"currentTime":"x"}}]'


def not_accepted(id_: str, status: str, interval: float) -> str:
    return f'[3,"{id_}",{{"status":"{status}","interval":{interval:g},"currentTime":"x"}}]'


def status(id_: str, connector: int, said: str) -> str:
    return f'[2,"{id_}","StatusNotification",{{"connectorId":{connector}, "status":"{said}"}}]'


def test_a_repeated_boot_that_is_due_waits_for_the_answer_to_the_one_under_way() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", accepted("1", 0))
    d.csms_sends("eye", not_accepted("r1", "Rejected", 10))
    d.station_sends(boot("2"))
    d.csms_sends("home", accepted("2", 0))
    d.waits(15)
    d.csms_sends("eye", accepted("r2", 0))
    d.expect(
        to={"home": [boot("1"), boot("2")], "eye": [boot("r1"), boot("r2")]},
        to_station=[accepted("1", 0), accepted("2", 0)],
    )
    d.waits(1000)
    d.expect()


def test_an_answer_to_an_older_boot_registers_nobody() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", accepted("1", 0))
    d.station_sends(boot("2"))
    d.csms_sends("eye", accepted("r1", 0))
    assert d.phase("eye") is LegPhase.REGISTERING
    d.csms_sends("eye", accepted("r2", 0))
    assert d.phase("eye") is LegPhase.REGISTERED


def test_the_stations_own_boot_takes_the_place_of_a_replay_that_still_waits() -> None:
    memory = SessionMemory()
    Dialogue(ONE, memory=memory).begins()
    d = Dialogue(charger({"home": PRIMARY}, options={"home": {"half_duplex": True}}), memory=memory)
    d.csms_connects("home")
    d.csms_sends("home", '[2,"1","GetConfiguration",{}]')
    d.waits(2)
    d.station_sends(boot("9"), '[3,"r1",{}]')
    d.csms_sends("home", not_accepted("9", "Rejected", 30))
    d.expect(
        to_station=['[2,"r1","GetConfiguration",{}]', not_accepted("9", "Rejected", 30)],
        to={"home": ['[3,"1",{}]', boot("9")]},
    )


def overtaken() -> Dialogue:
    """`eye` turned the first boot down after the station had booted again; the second one is under way."""
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("home", accepted("1", 0))
    d.station_sends(boot("2"))
    d.csms_sends("home", accepted("2", 0))
    d.csms_sends("eye", not_accepted("r1", "Rejected", 10))
    sent = {"home": [boot("1"), boot("2")], "eye": [boot("r1"), boot("r2")]}
    d.expect(to=sent, to_station=[accepted("1", 0), accepted("2", 0)])
    return d


def test_an_accepted_boot_is_not_repeated_for_an_older_ones_sake() -> None:
    d = overtaken()
    d.waits(5)
    d.csms_sends("eye", accepted("r2", 0))
    d.waits(1000)
    d.expect()


def test_a_boot_that_is_due_again_is_not_sent_while_one_is_under_way() -> None:
    d = overtaken()
    d.waits(15)
    d.csms_sends("eye", accepted("r2", 0))
    d.waits(1000)
    d.expect()


def test_a_boot_that_no_owner_got_before_a_flip_goes_to_the_new_one() -> None:
    d = Dialogue(TWO)
    d.begins(0)
    d.csms_drops("home")
    d.station_sends(boot("2"))
    d.csms_sends("eye", accepted("r1", 0))
    d.expect(to={"eye": boot("r1")})
    d.wants(charger({"home": hybrid("metering"), "eye": PRIMARY}))
    d.expect(to={"eye": boot("r2")})
    d.csms_sends("eye", accepted("r2", 0))
    d.expect(to_station=accepted("2", 0), to={"eye": '[2,"r3","Heartbeat",{}]'})
    assert [runs.generation for runs in d.took(commands.GenerationRuns)] == [2]


def test_statuses_of_before_a_reboot_are_not_told_after_it() -> None:
    d = Dialogue(TWO)
    d.begins(0)
    d.station_sends(status("1", 1, "Faulted"), status("2", 2, "Faulted"))
    d.csms_sends("home", '[3,"1",{}]', '[3,"2",{}]')
    d.csms_drops("eye")
    d.csms_connects("eye")
    d.csms_sends("eye", accepted("r1", 0))
    d.station_sends(boot("3"))
    d.csms_sends("home", accepted("3", 0))
    d.csms_sends("eye", '[3,"r2",{}]', accepted("r3", 0))
    sent = [status("1", 1, "Faulted"), boot("r1"), status("r2", 1, "Faulted"), boot("r3")]
    d.expect(
        to={"home": [status("1", 1, "Faulted"), status("2", 2, "Faulted"), boot("3")], "eye": sent},
        to_station=['[3,"1",{}]', '[3,"2",{}]', accepted("3", 0)],
    )


def test_who_loses_provisioning_before_accepting_is_booted_by_the_relay_like_anybody() -> None:
    d = Dialogue(TWO)
    d.csms_connects("home", "eye")
    d.station_sends(boot("1"))
    d.csms_sends("eye", accepted("r1", 0))
    d.csms_sends("home", not_accepted("1", "Pending", 600))
    d.flips(charger({"home": hybrid("metering"), "eye": PRIMARY}))
    d.station_sends('[2,"2","MeterValues",{}]')
    d.expect(
        to={"home": boot("1"), "eye": [boot("r1"), '[2,"2","MeterValues",{}]']},
        to_station=not_accepted("1", "Pending", 600),
    )
    d.waits(24)
    d.csms_sends("eye", '[3,"2",{}]')
    d.expect()
