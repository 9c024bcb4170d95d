"""Planner: the plan as a whole."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.errors import InvalidSpecs
from reconciler.model.documents import Document
from reconciler.model.interventions import Interventions
from reconciler.model.live import LiveCharger
from reconciler.model.overrides import Override
from reconciler.model.plan import Pending, Plan, Summary
from reconciler.planning.guard import Limits, Share
from reconciler.planning.planner import Applied, Moment, carry_out, make_plan, staleness
from tests.support.clock import EPOCH
from tests.support.outages import outage_document
from tests.support.specs import a_site, applied, backend, charger, document, resources, role, without

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}
ONLINE = {f"cp{number:03}": LiveCharger(f"cp{number:03}", True, 0, "ocpp1.6") for number in range(2)}
NOW = Moment(EPOCH, ONLINE)


def plan(before: Applied, wanted: Sequence[Document], moment: Moment = NOW, limits: Limits | None = None) -> Plan:
    return make_plan(before, resources(wanted), moment, plan_id="p1", limits=limits)


LOCAL_LEADS = Override("o1", "cp000", {"local": "primary", "partner": "passive"}, EPOCH, None, "visit", "bob")


def test_a_plan_counts_resources_and_live_chargers() -> None:
    found = plan(applied(a_site(3, LEADS)), a_site(4, FOLLOWS))
    assert found.summary == Summary(add=1, change=1, flip=2, deferred=2)
    assert found.chargers == ("cp000", "cp001", "cp002", "cp003")
    assert (found.live, found.base_revision, found.created_at) == (2, 1, EPOCH)


def test_equal_specs_make_an_empty_plan_that_nothing_blocks() -> None:
    found = plan(applied(a_site(2)), a_site(2), limits=Limits())
    assert found.is_empty
    assert (found.effects, found.blocked, found.basis) == ((), (), {})


def test_specs_that_do_not_hold_together_once_merged_are_refused_with_everything_that_is_wrong() -> None:
    broken = [*without(a_site(1), "partner", "a"), charger("lost", {"site": "nowhere"})]
    with pytest.raises(InvalidSpecs) as refused:
        plan(applied(a_site(1)), broken)
    assert len(refused.value.diagnostics) >= 2
    assert all(finding.position for finding in refused.value.diagnostics)


def test_the_basis_is_all_that_the_touched_chargers_rest_on_and_nothing_else() -> None:
    roles = {"partner": "energy", "grid": "primary"}
    depot = [*a_site(1, roles), role("energy", "smart-charging"), backend("unrelated"), charger("free", {"x": "y"})]
    depot.append(
        document(
            "BackendBinding",
            "x",
            chargers={"labels": {"x": "y"}},
            backends=[{"backend": "unrelated", "role": "primary"}],
        )
    )
    after = [*without(depot, "energy"), role("energy", "metering")]
    found = plan(applied(depot), after)
    assert found.basis == dict.fromkeys(
        [
            "security-profile.open",
            "backend.grid",
            "backend.partner",
            "role.energy",
            "charger.cp000",
            "backend-binding.a",
        ],
        1,
    )


def test_only_a_change_below_the_touched_chargers_makes_a_plan_stale() -> None:
    before, after = applied(a_site(1, LEADS)), a_site(1, FOLLOWS)
    made = plan(before, after)
    versions = {**before.versions, "backend.grid": 3}
    assert staleness(made, plan(before, after)) == ()
    assert staleness(made, plan(replace(before, versions=versions), after)) == (
        "backend.grid was changed since (version 1, now 3)",
    )


def test_staleness_says_what_came_and_what_went() -> None:
    made = plan(applied(a_site(1, LEADS)), a_site(1, FOLLOWS))
    came, absent = (replace(made, basis=basis) for basis in ({"role.x": 1}, {"role.x": 0}))
    assert staleness(absent, came) == ("role.x has come since",)
    assert staleness(came, absent) == ("role.x was deleted since",)


def test_what_moved_alike_is_one_sentence_however_much_it_is() -> None:
    basis = {f"charger.cp{number:03}": 1 for number in range(900)}
    made = plan(applied(a_site(1, LEADS)), a_site(1, FOLLOWS))
    (reason,) = staleness(replace(made, basis=basis), replace(made, basis=dict.fromkeys(basis, 0)))
    assert (
        reason
        == "charger.cp000, charger.cp001, charger.cp002, charger.cp003, charger.cp004 and 895 more were deleted since"
    )


def test_a_plan_over_the_opening_of_an_outage_says_that_and_not_that_its_chargers_are_new() -> None:
    made = plan(applied(a_site(1, LEADS)), a_site(1, FOLLOWS))
    without, with_it = (replace(made, basis=basis) for basis in ({}, {"charger.cp001": 1}))
    why = "an outage, a toggle or a failover began or ended since"
    assert staleness(without, with_it) == (f"charger.cp001 would be touched as well: {why}",)
    assert staleness(with_it, without) == (f"charger.cp001 would not be touched any more: {why}",)
    later = replace(with_it, base_revision=made.base_revision + 1)
    assert staleness(without, later) == (f"charger.cp001 would be touched as well: something was applied, or {why}",)


def test_an_override_hides_a_declared_change_and_the_plan_says_so() -> None:
    moment = replace(NOW, interventions=Interventions((replace(LOCAL_LEADS, until=EPOCH + timedelta(hours=1)),)))
    found = plan(applied(a_site(1, LEADS)), a_site(1, {"partner": "primary", "grid": "standby"}), moment=moment)
    (warning,) = found.warnings
    assert warning.summary == (
        "cp000 is toggled (local primary, partner passive) by bob until 2026-12-01 03:00 UTC; "
        "that stays in force over what is declared"
    )
    assert warning.hint == "fwdctl toggle cp000 --end"


def test_an_override_on_an_untouched_charger_is_no_news() -> None:
    found = plan(
        applied(a_site(1)),
        [*a_site(1), backend("new")],
        moment=replace(NOW, interventions=Interventions((LOCAL_LEADS,))),
    )
    assert found.warnings == ()


def test_an_override_that_will_no_longer_fit_is_a_warning() -> None:
    moment = replace(
        NOW, interventions=Interventions((replace(LOCAL_LEADS, roles={"grid": "primary", "partner": "passive"}),))
    )
    found = plan(applied(a_site(1)), without(a_site(1), "grid"), moment=moment)
    assert any("no longer fits" in warning.summary for warning in found.warnings)


def test_too_much_disruption_blocks_and_a_limit_lifts_it() -> None:
    live = {f"cp{number:03}": LiveCharger("", True, 0, "ocpp1.6") for number in range(12)}
    before, after, moment = applied(a_site(12, LEADS)), a_site(12, FOLLOWS), Moment(EPOCH, live)
    (block,) = plan(before, after, moment=moment).blocked
    assert block.guard == "max-disruption"
    assert plan(before, after, moment=moment, limits=Limits(max_disruption=Share(100, percent=True))).blocked == ()


def test_an_applied_change_window_blocks_and_a_change_cannot_lift_its_own_ban() -> None:
    freeze = document(
        "ChangeWindow",
        "freeze",
        action="deny",
        chargers={"labels": {"site": "a"}},
        window={"start": "2026-12-01T00:00", "duration": "24h", "timeZone": "UTC"},
    )
    before = applied([*a_site(2, LEADS), freeze])
    (block,) = plan(before, a_site(2, FOLLOWS)).blocked
    assert (block.guard, block.eligible_at) == ("change-window", EPOCH + timedelta(hours=22))
    assert plan(before, a_site(2, FOLLOWS), limits=Limits(override_window=True)).blocked == ()


def test_a_change_window_that_comes_with_a_change_counts_for_it() -> None:
    until = {"start": "2026-12-01T00:00", "duration": "3h", "timeZone": "UTC"}
    freeze = document("ChangeWindow", "freeze", action="deny", chargers={"names": ["*"]}, window=until)
    before = applied(a_site(2, LEADS))
    (block,) = plan(before, [*a_site(2, FOLLOWS), freeze]).blocked
    assert (block.guard, block.eligible_at) == ("change-window", EPOCH + timedelta(hours=1))
    assert plan(before, [*a_site(2, LEADS), freeze]).blocked == ()
    longer = document(
        "ChangeWindow", "freeze", action="deny", chargers={"names": ["*"]}, window={**until, "duration": "9h"}
    )
    both = plan(applied([*a_site(2, LEADS), freeze]), [*a_site(2, FOLLOWS), longer]).blocked
    assert [block.eligible_at for block in both] == [EPOCH + timedelta(hours=1), EPOCH + timedelta(hours=7)]
    (once,) = plan(applied([*a_site(2, LEADS), freeze]), [*a_site(2, FOLLOWS), freeze, backend("new")]).blocked
    assert once == block


def test_chargers_that_lag_behind_are_told_and_do_not_make_a_plan() -> None:
    found = plan(applied(a_site(1)), a_site(1), moment=replace(NOW, pending=(Pending("cp000", "refused"),)))
    assert found.is_empty
    assert found.pending == (Pending("cp000", "refused"),)


def test_carrying_out_the_changes_of_a_plan_gives_what_was_wanted() -> None:
    before, wanted = applied(a_site(3, LEADS)), a_site(2, FOLLOWS)
    made = plan(before, wanted)
    written = [found for address, found in resources(wanted).items() if address in made.basis]
    assert carry_out(made.resource_changes, before.site.resources, written) == resources(wanted)


def test_an_outage_that_is_open_hides_a_declared_change_and_the_plan_says_so() -> None:
    roles = {"partner": "primary", "grid": "passive"}
    before = [*a_site(2, roles), outage_document(start="2026-12-01T02:30")]
    after = [*a_site(2, {"partner": "primary", "grid": "standby"}), outage_document(start="2026-12-01T02:30")]
    (warning,) = plan(applied(before), after, moment=NOW).warnings
    assert warning.summary == (
        "cp000 and cp001: scheduled-outage.firmware (quarterly firmware) until 2026-12-01 03:30 UTC; "
        "that stays in force over what is declared"
    )
    assert warning.hint == "fwdctl explain cp000"
