"""What a flip moves besides owners: calls that were never sent, legs with a new address (R10)."""

from dataclasses import replace

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
