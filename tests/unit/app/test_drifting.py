"""Drift: what nobody asked for, who did it all the same, and what is left alone."""

from msgspec.structs import replace

from reconciler.app.courses import SETTLE_S
from reconciler.app.toggling import ToggleRequest
from reconciler.model.history import HistoryEvent
from reconciler.planning.drift import FieldDrift, State
from reconciler.planning.drift_origins import Origin
from tests.support.specs import World, a_site, backend, binding, charger

FREE = [backend("spare"), charger("free", {"site": "b"}), binding("b", {"grid": "primary"})]


async def world_of() -> World:
    """Return a world with two chargers at partner, one of them offline, and one at grid."""
    world = World()
    await world.apply([*a_site(2, {"partner": "primary"}), *FREE])
    world.relay.connect("cp000", "free")
    await world.reconciler.controller.tick(world.clock.now())
    return world


async def test_drift_is_what_nobody_asked_for_and_comes_first() -> None:
    world = await world_of()
    assert (await world.reconciler.drift()).exit_code == 0
    world.relay.tamper("free", "spare")
    report = await world.reconciler.drift()
    assert [(standing.charger, standing.state) for standing in report.drifted] == [("free", State.DRIFTED)]
    assert FieldDrift("owners.firmware", "grid", "spare") in report.drifted[0].fields
    assert (report.standings[0].charger, report.exit_code) == ("free", 2)
    assert (dict(report.origins), dict(report.paused)) == ({}, {})
    assert (await world.reconciler.drift("charger.cp000")).exit_code == 0


async def test_a_part_of_a_report_is_about_these_chargers() -> None:
    world = await world_of()
    world.relay.tamper("free", "spare")
    report = await world.reconciler.drift()
    assert report.within({"cp000"}).exit_code == 0
    assert report.within({"free"}).exit_code == 2


async def test_a_refused_change_is_told_as_refused_with_who_asked_for_it() -> None:
    world = await world_of()
    world.relay.refuse("cp000", "grid rejects it")
    plan = await world.plan(a_site(2, {"grid": "primary"}))
    await world.apply_plan(plan, reason="contract")
    report = await world.reconciler.drift()
    (standing,) = report.drifted
    assert (standing.state, standing.differences) == (State.REFUSED, ("grid rejects it",))
    origin = report.origins["cp000"]
    assert (origin.who, origin.why) == ("ann", "contract")
    assert origin.at is not None


async def test_a_toggle_is_no_drift() -> None:
    world = await world_of()
    await world.reconciler.toggle(ToggleRequest(["cp000"], "local", "visit", "bob"))
    assert (await world.reconciler.drift()).exit_code == 0


async def test_drift_of_a_paused_charger_is_shown_and_not_healed_until_it_is_resumed() -> None:
    world = await world_of()
    await world.reconciler.pausing.pause(["free"], reason="electrician", actor="ann")
    world.clock.advance(SETTLE_S)
    world.relay.tamper("free", "spare")
    await world.reconciler.controller.tick(world.clock.now())
    report = await world.reconciler.drift()
    assert [standing.charger for standing in report.drifted] == ["free"]
    assert "ann" in report.paused["free"]
    assert world.reconciler.controller.drifted() == {State.DRIFTED: 1}
    await world.reconciler.pausing.resume(["free"], actor="ann")
    assert (await world.reconciler.drift()).exit_code == 0
    await world.reconciler.controller.tick(world.clock.now())
    assert world.reconciler.controller.drifted() == {}
    (healed,) = [event for event in world.store.events if event.kind == "drift-healed"]
    assert {"field": "owners.firmware", "applied": "grid", "live": "spare"} in healed.details["fields"]


async def test_what_a_back_end_has_set_on_its_own_leg_is_named_and_no_drift() -> None:
    world = await world_of()
    live = world.relay.live()["free"]
    legs = tuple(replace(leg, credential="password 1f2e3d4c") for leg in live.legs if leg.backend == "grid")
    world.relay._live["free"] = replace(live, legs=legs)
    changed = HistoryEvent(world.clock.now(), "leg-changed", "by SetVariables", charger="free", actor="grid")
    await world.store.record([changed])
    report = await world.reconciler.drift()
    assert (report.exit_code, report.drifted) == (0, ())
    (change,) = report.leg_changes
    assert (change.charger, change.backend, change.live) == ("free", "grid", "password 1f2e3d4c")
    assert change.origin == Origin("grid", "by SetVariables", changed.at)
    assert report.within({"cp000"}).leg_changes == ()


async def test_what_a_session_runs_for_says_who_it_was() -> None:
    world = await world_of()
    world.relay.tamper("free", "spare")
    world.relay._live["free"] = replace(world.relay._live["free"], because="toggle by bob")
    assert (await world.reconciler.drift()).origins == {"free": Origin("toggle by bob")}
