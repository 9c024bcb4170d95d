"""The trial after a flip's step: a new owner that proves unable gives everything back (R10)."""

import pytest

from reconciler.relay import commands
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger

HOME = charger({"home": PRIMARY, "partner": PASSIVE})
PARTNER_ONLY = charger({"partner": PRIMARY})
AUTHORIZE = '[2,"9","Authorize",{"idTag":"A"}]'


def owner_of(d: Dialogue) -> str:
    return d.session.state.table.owners["transactions"]


def runs(d: Dialogue) -> list[int]:
    return [command.generation for command in d.took(commands.GenerationRuns)]


def refused(d: Dialogue) -> list[tuple[int, str]]:
    return [(command.generation, command.reason) for command in d.took(commands.GenerationRefused)]


def on_trial() -> tuple[Dialogue, int]:
    """The step to `partner` is taken and not confirmed."""
    d = Dialogue(HOME)
    d.begins()
    generation = d.wants(PARTNER_ONLY)
    d.expect(to={"partner": '[2,"r1","Heartbeat",{}]'})
    assert (runs(d), owner_of(d)) == ([], "partner")
    return d, generation


@pytest.mark.parametrize("answer", ['[3,"r1",{}]', '[4,"r1","NotSupported","",{}]'])
def test_any_answer_of_the_new_owner_confirms_the_step_and_only_then_the_losers_leg_closes(answer: str) -> None:
    d, generation = on_trial()
    assert d.took(commands.CloseLeg) == []
    d.csms_sends("partner", answer)
    assert runs(d) == [generation]
    assert [command.backend for command in d.took(commands.CloseLeg)] == ["home"]


def test_a_new_owner_that_is_lost_at_once_gives_everything_back() -> None:
    d, generation = on_trial()
    d.csms_drops("partner")
    assert refused(d) == [(generation, "went back: 1006 lost")]
    assert owner_of(d) == "home"
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", '[3,"9",{}]')
    d.expect(to={"home": AUTHORIZE}, to_station='[3,"9",{}]')


def test_a_new_owner_that_stays_silent_gives_everything_back() -> None:
    d, generation = on_trial()
    d.waits(59)
    assert refused(d) == []
    d.waits(1)
    assert refused(d) == [(generation, "went back: partner did not answer within 60 s")]
    assert owner_of(d) == "home"
    assert d.took(commands.CloseStation) == []


def test_a_call_that_the_trial_left_unsent_goes_to_the_owner_that_is_back() -> None:
    d, _ = on_trial()
    d.station_sends(AUTHORIZE)
    d.expect()
    d.csms_drops("partner")
    d.expect(to={"home": AUTHORIZE.replace('"9"', '"r2"')})
    d.csms_sends("home", '[3,"r2",{"from":"home"}]')
    d.expect(to_station='[3,"9",{"from":"home"}]')


def test_a_newer_wish_ends_a_trial_with_success() -> None:
    d, generation = on_trial()
    d.wants(PARTNER_ONLY)
    assert runs(d)[0] == generation
