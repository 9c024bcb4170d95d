"""What a flip moves besides owners: calls that were never sent, legs with a new address (R10)."""

from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.relay import commands
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, backend, charger

HOME = charger({"home": PRIMARY, "eye": PASSIVE})
EYE = charger({"home": PASSIVE, "eye": PRIMARY})
AUTHORIZE = '[2,"9","Authorize",{"idTag":"A"}]'


def moved(desired: DesiredCharger, name: str) -> DesiredCharger:
    """Return the same charger with this back-end at another address."""
    legs = [
        DesiredLeg(backend(name, url="wss://elsewhere.example"), leg.role) if leg.backend.name == name else leg
        for leg in desired.legs
    ]
    return replace(desired, legs=tuple(legs))


def test_a_call_that_waits_for_an_owner_that_is_away_goes_to_the_new_owner() -> None:
    d = Dialogue(HOME)
    d.begins(0)
    d.csms_drops("home")
    d.station_sends(AUTHORIZE)
    d.expect(to={"eye": AUTHORIZE})  # as a copy
    d.csms_sends("eye", '[3,"9",{"idTagInfo":{"status":"Invalid"}}]')
    d.expect()
    d.wants(EYE)
    d.expect(to={"eye": AUTHORIZE.replace('"9"', '"r1"')})  # as its owner, who knows "9" already
    d.csms_sends("eye", '[3,"r1",{"idTagInfo":{"status":"Accepted"}}]')
    d.expect(to_station='[3,"9",{"idTagInfo":{"status":"Accepted"}}]', to={"eye": '[2,"r2","Heartbeat",{}]'})


def test_a_back_end_that_gains_at_a_new_address_is_registered_there_before_the_step() -> None:
    d = Dialogue(HOME)
    d.begins(0)
    d.wants(moved(EYE, "eye"))
    assert [redial.leg.backend.url for redial in d.took(commands.RedialLeg)] == ["wss://elsewhere.example"]
    assert d.session.state.table.owners["transactions"] == "home"
    d.csms_connects("eye")
    d.csms_sends("eye", '[3,"r1",{"status":"Accepted","interval":0,"currentTime":"x"}]')
    assert d.session.state.table.owners["transactions"] == "eye"


def test_an_owner_whose_address_changes_is_dialled_anew_at_the_step() -> None:
    d = Dialogue(HOME)
    d.begins(0)
    d.wants(moved(HOME, "home"))
    assert [redial.leg.backend.name for redial in d.took(commands.RedialLeg)] == ["home"]
    assert [runs.generation for runs in d.took(commands.GenerationRuns)] == [2]


def test_r10_a_call_under_way_at_a_loser_whose_connection_breaks_is_asked_of_the_new_owner() -> None:
    d = Dialogue(HOME)
    d.begins(0)
    d.station_sends(AUTHORIZE)
    d.expect(to={"home": AUTHORIZE, "eye": AUTHORIZE})
    d.csms_sends("eye", '[3,"9",{"idTagInfo":{"status":"Invalid"}}]')
    d.wants(EYE)
    d.expect(to={"eye": '[2,"r1","Heartbeat",{}]'})  # the call finishes with home, as long as home can answer it
    d.csms_sends("eye", '[3,"r1",{}]')
    d.csms_drops("home")
    d.expect(to={"eye": AUTHORIZE.replace('"9"', '"r2"')})
    d.csms_sends("eye", '[3,"r2",{"idTagInfo":{"status":"Accepted"}}]')
    d.expect(to_station='[3,"9",{"idTagInfo":{"status":"Accepted"}}]')


def test_r4_an_answer_never_reaches_a_later_connection_of_a_back_end_that_left_and_came_again() -> None:
    d = Dialogue(HOME)
    d.begins(0)
    d.csms_sends("home", '[2,"7","ClearCache",{}]')
    d.expect(to_station='[2,"r1","ClearCache",{}]')
    alone = charger({"eye": PRIMARY})
    d.flips(alone)
    d.csms_drops("home")
    d.wants(charger({"eye": PRIMARY, "home": PASSIVE}))
    d.csms_connects("home")
    d.station_sends('[3,"r1",{"status":"Accepted"}]')
    sent = b"".join(d._to_legs.get("home", []))
    assert b'"BootNotification"' in sent
    assert b'"7"' not in sent


def test_r9_the_stations_boot_that_moves_back_goes_before_all_that_waits_there() -> None:
    boot = '[2,"{}","BootNotification",{{"chargePointVendor":"Volt","chargePointModel":"M1"}}]'
    d = Dialogue(HOME)
    d.begins(0)
    d.wants(EYE)
    d.station_sends(AUTHORIZE, boot.format(11))
    d.expect(to={"eye": '[2,"r1","Heartbeat",{}]', "home": AUTHORIZE})
    d.csms_sends("home", '[4,"9","InternalError","",{}]')
    d.expect(to={"home": boot.format("r2")})
    d.csms_sends("home", '[3,"r2",{"status":"Rejected","interval":60,"currentTime":"x"}]')
    d.station_sends('[2,"12","Heartbeat",{}]', AUTHORIZE.replace("9", "13"))
    d.csms_drops("eye")
    d.expect(to={"home": boot.format("r3")})
