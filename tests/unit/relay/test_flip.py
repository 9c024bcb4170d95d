"""Flips: one generation of roles replaces another on a live session, make before break (R5, R10)."""

from typing import Any

import pytest

from reconciler.model.desired import FlipPolicy, OpenTransaction
from reconciler.relay import commands
from tests.support.dialogue import BOOTS, Dialogue
from tests.support.roles import PASSIVE, PRIMARY, backend, charger, hybrid

HOME = charger({"home": PRIMARY, "partner": PASSIVE})
PARTNER = charger({"home": PASSIVE, "partner": PRIMARY})
HOME_ONLY = charger({"home": PRIMARY})
PARTNER_ONLY = charger({"partner": PRIMARY})
AUTHORIZE = '[2,"9","Authorize",{"idTag":"A"}]'
PROOF = '[2,"r2","Heartbeat",{}]'
BOOT = f'[2,"r1","BootNotification",{BOOTS["ocpp1.6"]}]'


def begun(desired: Any = HOME, version: str = "ocpp1.6") -> Dialogue:
    d = Dialogue(desired, version)
    d.begins()
    return d


def owner_of(d: Dialogue, feature: str) -> str:
    return d.session.state.table.owners[feature]


def runs(d: Dialogue) -> list[int]:
    return [command.generation for command in d.took(commands.GenerationRuns)]


def refused(d: Dialogue) -> list[tuple[int, str]]:
    return [(command.generation, command.reason) for command in d.took(commands.GenerationRefused)]


# -- the step --------------------------------------------------------------------------------------------------


def test_between_registered_back_ends_a_flip_is_one_step() -> None:
    d = begun()
    generation = d.flips(PARTNER)
    d.expect()
    (ran,) = d.took(commands.GenerationRuns)
    assert (ran.generation, ran.owners_before, ran.owners) == (generation, HOME.owners, PARTNER.owners)
    assert d.took(commands.CloseStation) == []
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", '[3,"9",{"from":"home"}]')
    d.csms_sends("partner", '[3,"9",{"from":"partner"}]')
    d.expect(to={"home": AUTHORIZE, "partner": AUTHORIZE}, to_station='[3,"9",{"from":"partner"}]')


def test_a_new_back_end_is_registered_before_the_step() -> None:
    d = begun(HOME_ONLY)
    generation = d.wants(PARTNER)
    assert [command.leg.backend.name for command in d.took(commands.OpenLeg)] == ["partner"]
    d.csms_connects("partner")
    d.expect(to={"partner": BOOT})
    assert runs(d) == []
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", '[3,"9",{"from":"home"}]')
    d.expect(to={"home": AUTHORIZE}, to_station='[3,"9",{"from":"home"}]')
    d.csms_sends("partner", '[3,"r1",{"status":"Accepted","interval":300}]')
    d.expect(to={"partner": PROOF})
    d.csms_sends("home", '[2,"1","Reset",{}]')
    d.expect(to={"home": '[3,"1",{"status":"Rejected"}]'})
    assert runs(d) == []
    d.csms_sends("partner", '[3,"r2",{"currentTime":"x"}]')
    assert runs(d) == [generation]


def test_one_feature_flips_alone() -> None:
    d = begun()
    d.flips(charger({"home": PRIMARY, "partner": hybrid("authorization")}))
    assert {feature for feature in HOME.owners if owner_of(d, feature) == "partner"} == {"authorization"}
    d.csms_sends("partner", '[2,"1","ClearCache",{}]', '[2,"2","Reset",{}]')
    d.expect(to_station='[2,"r1","ClearCache",{}]', to={"partner": '[3,"2",{"status":"Rejected"}]'})


def test_there_and_back_again() -> None:
    d = begun()
    for round_, desired in enumerate([PARTNER, HOME, PARTNER, HOME]):
        generation = d.flips(desired)
        assert runs(d) == [generation]
        owner = owner_of(d, "authorization")
        d.station_sends(f'[2,"{round_}","Authorize",{{}}]')
        for name in ("home", "partner"):
            d.csms_sends(name, f'[3,"{round_}",{{"from":"{name}"}}]')
        both = f'[2,"{round_}","Authorize",{{}}]'
        d.expect(to={"home": both, "partner": both}, to_station=f'[3,"{round_}",{{"from":"{owner}"}}]')


def test_the_same_roles_again_run_at_once() -> None:
    d = begun()
    generation = d.wants(HOME)
    d.expect()
    assert runs(d) == [generation]


# -- it does not happen, and says why --------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["Pending", "Rejected"])
def test_a_new_owner_that_does_not_accept_the_charger_does_not_get_it(answer: str) -> None:
    d = begun(HOME_ONLY)
    generation = d.wants(PARTNER)
    d.csms_connects("partner")
    d.csms_sends("partner", f'[3,"r1",{{"status":"{answer}","interval":300}}]')
    assert refused(d) == [(generation, f"partner answered BootNotification with {answer}")]
    assert [command.backend for command in d.took(commands.CloseLeg)] == ["partner"]
    assert list(d.session.state.legs) == ["home"]
    d.expect(to={"partner": BOOT})
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", '[3,"9",{}]')
    d.expect(to={"home": AUTHORIZE}, to_station='[3,"9",{}]')


def test_an_absent_new_owner_does_not_get_it() -> None:
    d = begun(HOME_ONLY)
    generation = d.wants(PARTNER)
    d.csms_is_unreachable("partner")
    d.waits(59.9)
    assert refused(d) == []
    d.waits(0.1)
    assert refused(d) == [(generation, "not registered within 60 s: partner is down (refused)")]
    assert d.session.state.generation == 1


def test_a_new_owner_whose_next_dial_is_far_away_is_dialled_at_once() -> None:
    d = begun()
    d.csms_drops("partner")
    d.wants(HOME)
    assert d.took(commands.RedialLeg) == []
    d.wants(PARTNER)
    assert [command.leg.backend.name for command in d.took(commands.RedialLeg)] == ["partner"]


def test_a_new_owner_that_is_too_late_does_not_get_it() -> None:
    d = begun(HOME_ONLY)
    generation = d.wants(charger({"home": PASSIVE, "partner": PRIMARY}, FlipPolicy(confirm_within_s=5)))
    d.csms_connects("partner")
    d.waits(5)
    assert refused(d) == [(generation, "not registered within 5 s: partner is registering")]
    d.csms_sends("partner", '[3,"r1",{"status":"Accepted","interval":300}]')
    assert runs(d) == []


def test_an_observer_that_was_rejected_long_ago_does_not_get_it() -> None:
    d = Dialogue(HOME)
    d.csms_connects("home", "partner")
    d.station_sends(f'[2,"1","BootNotification",{BOOTS["ocpp1.6"]}]')
    d.csms_sends("partner", '[3,"r1",{"status":"Rejected","interval":300}]')
    generation = d.wants(PARTNER)
    assert refused(d) == [(generation, "partner answered BootNotification with Rejected")]
    assert "partner" in d.session.state.legs


def test_a_back_end_that_does_not_speak_the_stations_version_does_not_get_it() -> None:
    d = begun(HOME_ONLY, "ocpp2.0.1")
    generation = d.wants(charger({"partner": PRIMARY}, options={"partner": {"versions": ("ocpp1.6",)}}))
    why = "the station speaks ocpp2.0.1 on this connection, partner only ocpp1.6"
    assert refused(d) == [(generation, why)]
    assert d.took(commands.OpenLeg)[1:] == []


def test_a_newer_wish_supersedes_an_unfinished_one() -> None:
    d = begun(HOME_ONLY)
    first = d.wants(PARTNER)
    second = d.wants(charger({"home": PASSIVE, "third": PRIMARY}))
    assert refused(d) == [(first, f"superseded by generation {second}")]
    assert [command.backend for command in d.took(commands.CloseLeg)] == ["partner"]
    assert list(d.session.state.legs) == ["home", "third"]
    d.csms_connects("third")
    d.csms_sends("third", '[3,"r1",{"status":"Accepted","interval":300}]', '[3,"r2",{}]')
    assert runs(d) == [second]


def test_a_wish_for_what_runs_supersedes_an_unfinished_one() -> None:
    d = begun(HOME_ONLY)
    first = d.wants(PARTNER)
    second = d.wants(HOME_ONLY)
    assert refused(d) == [(first, f"superseded by generation {second}")]
    assert runs(d) == [second]


# -- what is under way -----------------------------------------------------------------------------------------


def test_a_station_call_in_flight_finishes_with_whom_it_began() -> None:
    d = begun()
    d.station_sends(AUTHORIZE)
    d.flips(PARTNER)
    d.csms_sends("partner", '[3,"9",{"from":"partner"}]')
    d.expect(to={"home": AUTHORIZE, "partner": [AUTHORIZE, '[2,"r1","Heartbeat",{}]']})
    d.csms_sends("home", '[3,"9",{"from":"home"}]')
    d.expect(to_station='[3,"9",{"from":"home"}]')


def test_a_command_in_flight_finishes_with_whom_it_began_and_queued_ones_of_the_loser_are_refused() -> None:
    d = begun()
    d.csms_sends("home", '[2,"1","Reset",{}]', '[2,"2","UnlockConnector",{}]', '[2,"3","GetConfiguration",{}]')
    d.expect(to_station='[2,"r1","Reset",{}]')
    d.flips(PARTNER)
    refusals = [
        '[3,"2",{"status":"NotSupported"}]',
        '[4,"3","SecurityError","partner owns provisioning on this charging station",{}]',
    ]
    d.expect(to={"home": refusals})
    d.csms_sends("partner", '[2,"1","ClearCache",{}]')
    d.station_sends('[3,"r1",{"status":"Accepted"}]')
    d.expect(to={"home": '[3,"1",{"status":"Accepted"}]'}, to_station='[2,"r2","ClearCache",{}]')


def test_queued_commands_that_may_still_be_given_keep_their_order_and_their_deadline() -> None:
    reader = hybrid("reservation", may_read=True)
    d = begun(charger({"home": PRIMARY, "pay": reader}))
    d.csms_sends("home", '[2,"1","Reset",{}]')
    d.csms_sends("pay", '[2,"2","GetConfiguration",{}]')
    d.waits(5)
    d.csms_sends("pay", '[2,"3","CancelReservation",{}]')
    d.flips(charger({"home": PRIMARY, "pay": hybrid("reservation", "provisioning")}))
    d.waits(5)
    d.expect(
        to_station='[2,"r1","Reset",{}]',
        to={"pay": '[4,"2","SecurityError","the charging station is busy with other commands",{}]'},
    )
    d.station_sends('[3,"r1",{}]')
    d.expect(to={"home": '[3,"1",{}]'}, to_station='[2,"r2","CancelReservation",{}]')


def test_a_leg_without_a_role_closes_after_its_last_answer() -> None:
    d = begun()
    d.station_sends(AUTHORIZE)
    d.csms_sends("home", '[2,"1","Reset",{}]')
    d.csms_sends("partner", '[3,"9",{}]')
    generation = d.flips(PARTNER_ONLY)
    assert runs(d) == [generation]
    assert d.took(commands.CloseLeg) == []
    d.csms_sends("home", '[3,"9",{}]')
    assert d.took(commands.CloseLeg) == []
    d.station_sends('[3,"r1",{}]')
    assert d.took(commands.CloseLeg) == [commands.CloseLeg("home", "no role on this charger any more")]
    d.expect(
        to={"home": [AUTHORIZE, '[3,"1",{}]'], "partner": AUTHORIZE}, to_station=['[2,"r1","Reset",{}]', '[3,"9",{}]']
    )
    d.csms_sends("home", '[2,"2","Reset",{}]')
    d.expect()


def test_a_leg_without_a_role_is_not_waited_for_longer_than_its_timeout() -> None:
    d = begun()
    d.csms_sends("home", '[2,"1","Reset",{}]')
    d.flips(PARTNER_ONLY)
    d.waits(30)
    assert [command.backend for command in d.took(commands.CloseLeg)] == ["home"]


def test_an_idle_leg_without_a_role_closes_with_the_step() -> None:
    d = begun()
    d.flips(PARTNER_ONLY)
    assert [command.backend for command in d.took(commands.CloseLeg)] == ["home"]


def test_a_leg_that_still_owes_an_answer_survives_a_flip_back_that_fails() -> None:
    d = begun()
    d.station_sends(AUTHORIZE)
    d.flips(PARTNER_ONLY)
    d.flips(charger({"home": PRIMARY, "other": hybrid("authorization")}))
    newest = d.flips(PARTNER_ONLY)
    assert runs(d)[-1] == newest
    assert "home" not in [command.backend for command in d.took(commands.CloseLeg)]
    d.csms_sends("home", '[3,"9",{"from":"home"}]')
    d.expect(to={"home": AUTHORIZE, "partner": AUTHORIZE}, to_station='[3,"9",{"from":"home"}]')
    assert [command.backend for command in d.took(commands.CloseLeg)] == ["home"]


# -- open transactions -----------------------------------------------------------------------------------------


def flipping(policy: OpenTransaction, **roles: Any) -> Any:
    return charger(roles or {"home": PASSIVE, "partner": PRIMARY}, FlipPolicy(policy, confirm_within_s=60))


def charging(d: Dialogue) -> None:
    d.station_sends('[2,"t","StartTransaction",{"connectorId":1}]')
    for name in ("home", "partner"):
        d.csms_sends(name, '[3,"t",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]')


@pytest.mark.parametrize("policy", ["wait", "skip"])
def test_an_open_transaction_holds_a_flip_of_its_owner_off(policy: OpenTransaction) -> None:
    d = begun()
    charging(d)
    generation = d.wants(flipping(policy))
    assert refused(d) == [(generation, f"transaction 7 is open and openTransaction is {policy}")]
    d.station_sends('[2,"u","StopTransaction",{"transactionId":7}]')
    for name in ("home", "partner"):
        d.csms_sends(name, '[3,"u",{}]')
    assert runs(d) == []
    again = d.flips(flipping(policy))
    assert runs(d) == [again]


def test_an_open_transaction_lets_a_flip_of_other_features_pass() -> None:
    d = begun()
    charging(d)
    generation = d.flips(flipping("wait", home=PRIMARY, partner=hybrid("diagnostics")))
    assert runs(d) == [generation]


def test_by_default_an_open_transaction_is_flipped_with_the_rest() -> None:
    d = begun()
    charging(d)
    generation = d.flips(PARTNER)
    assert runs(d) == [generation]


def test_a_transaction_that_begins_while_the_new_owner_registers_holds_the_flip_off_too() -> None:
    d = begun(HOME_ONLY)
    generation = d.wants(flipping("wait"))
    d.csms_connects("partner")
    charging(d)
    d.csms_sends("partner", '[3,"r1",{"status":"Accepted","interval":300}]')
    assert refused(d) == [(generation, "transaction 7 is open and openTransaction is wait")]
    assert owner_of(d, "transactions") == "home"


# -- legs that change ------------------------------------------------------------------------------------------


def test_a_leg_whose_address_changed_is_dialled_anew_and_booted_again() -> None:
    d = begun()
    moved = charger({"home": PRIMARY, "partner": PASSIVE}, options={"partner": {"url": "wss://new.example"}})
    d.flips(moved)
    (redial,) = d.took(commands.RedialLeg)
    assert (redial.leg.backend, redial.reason) == (
        backend("partner", url="wss://new.example"),
        "dialled anew: its address or credentials changed",
    )
    d.csms_connects("partner")
    d.expect(to={"partner": BOOT})


def test_a_change_of_manners_needs_no_new_connection() -> None:
    d = begun()
    d.wants(charger({"home": PRIMARY, "partner": PASSIVE}, options={"partner": {"call_timeout_s": 5.0}}))
    assert d.took(commands.RedialLeg) == []
    assert d.session.state.legs["partner"].spec.backend.call_timeout_s == 5.0


def test_a_station_that_leaves_takes_an_unfinished_flip_and_leaving_legs_with_it() -> None:
    d = begun()
    d.station_sends(AUTHORIZE)
    d.wants(PARTNER_ONLY)
    d.wants(charger({"third": PRIMARY}))
    d.station_leaves()
    assert sorted(command.backend for command in d.took(commands.CloseLeg)) == ["home", "partner", "third"]
    d.waits(1000)
    assert refused(d) == []
