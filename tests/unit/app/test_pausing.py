"""Pausing: the controller leaves a charger alone, shows what that leads to, and catches up afterwards."""

import pytest

from reconciler.app.courses import Verdict
from reconciler.app.toggling import ToggleRequest
from reconciler.errors import FwdctlError, UnknownAddress
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}


async def world_of(store: MemoryStore | None = None) -> World:
    """Return a depot of two connected chargers, applied, the first of them paused by bob."""
    world = World(store, node="n1")
    await world.apply(a_site(2, LEADS))
    world.relay.connect("cp000", "cp001")
    await tick(world)
    await world.reconciler.pausing.pause(["cp000"], reason="works", actor="bob")
    return world


async def tick(world: World, later_s: float = 0) -> None:
    """Let the controller look and act, a while later."""
    world.clock.advance(later_s)
    await world.reconciler.controller.tick(world.clock.now())


async def test_drift_of_a_paused_charger_is_shown_and_not_healed() -> None:
    world = await world_of()
    for name in ("cp000", "cp001"):
        world.relay.tamper(name, "grid")
    await tick(world, 100)
    assert (world.relay.owners("cp000"), world.relay.owners("cp001")) == ({"grid"}, {"partner"})
    (drifted,) = (await world.reconciler.drift()).drifted
    assert drifted.charger == "cp000"
    await world.reconciler.pausing.resume(["cp000"], actor="bob")
    assert world.relay.owners("cp000") == {"partner"}
    assert (await world.reconciler.drift()).drifted == ()


async def test_what_is_applied_meanwhile_waits_and_the_plan_says_for_what() -> None:
    world = await world_of()
    plan = await world.plan(a_site(2, FOLLOWS))
    assert [(effect.until, effect.chargers) for effect in plan.effects] == [
        ("it is resumed (paused by bob (works))", ("cp000",)),
        ("", ("cp001",)),
    ]
    result = await world.apply_plan(plan)
    assert (result.counts, result.exit_code) == ({"deferred": 1, "applied": 1}, 0)
    await tick(world, 100)
    assert (world.relay.owners("cp000"), world.relay.owners("cp001")) == ({"partner"}, {"grid"})
    assert (await world.plan(a_site(2, FOLLOWS))).is_empty
    resumed = await world.reconciler.pausing.resume(["cp0*"], actor="bob")
    assert [(one.charger, one.verdict) for one in resumed.results] == [("cp000", Verdict.APPLIED)]
    assert world.relay.owners("cp000") == {"grid"}


async def test_what_waits_is_told_by_status_explain_and_show() -> None:
    world = await world_of()
    await world.apply_plan(await world.plan(a_site(2, FOLLOWS)))
    held, other = await world.reconciler.status()
    assert (held.hold is not None and held.hold.base, other.hold) == (1, None)
    explained = (await world.reconciler.explain("cp000"), (await world.reconciler.show("charger.cp000")).explanation)
    paused = "it is paused, and takes up what was applied since once it is resumed"
    for explanation in explained:
        assert explanation is not None
        (decision,) = explanation.decisions
        assert decision.owner == "partner"
        assert decision.because == f"declared by backend-binding.a as of revision 1: {paused}"
    assert (await world.reconciler.explain("cp001")).decisions[0].owner == "grid"
    await world.reconciler.pausing.resume(["cp000"], actor="bob")
    assert (await world.reconciler.explain("cp000")).decisions[0].owner == "grid"
    assert (await world.reconciler.status("charger.cp000"))[0].hold is None


async def test_a_restart_does_not_bring_about_what_waits() -> None:
    world = await world_of()
    await world.apply(a_site(2, FOLLOWS))
    successor = World(world.store, None, world.clock, node="n1")
    successor.relay.connect("cp000", "cp001")
    await successor.reconciler.start()
    assert (successor.relay.owners("cp000"), successor.relay.owners("cp001")) == ({"partner"}, {"grid"})


async def test_a_pause_for_a_while_ends_by_itself_and_an_older_step_stays_ended() -> None:
    world = await world_of()
    await world.reconciler.pausing.pause(["cp000"], reason="works", actor="bob", for_s=60)
    await world.apply(a_site(2, FOLLOWS))
    await tick(world, 61)
    assert world.relay.owners("cp000") == {"grid"}
    await world.reconciler.pausing.pause(["cp000"], reason="again", actor="bob")
    await tick(world)
    assert world.relay.owners("cp000") == {"grid"}


async def test_toggles_still_count_while_paused() -> None:
    world = await world_of()
    await world.reconciler.toggle(ToggleRequest(["cp000"], "grid", "visit", "ann"))
    assert world.relay.owners("cp000") == {"grid"}
    await world.reconciler.end_toggle(["cp000"], actor="ann")
    assert world.relay.owners("cp000") == {"partner"}


async def test_a_binding_can_pause_its_chargers_and_its_end_is_applied_like_any_change() -> None:
    world = World(node="n1")
    await world.apply(a_site(2, LEADS, reconcile="paused"))
    world.relay.connect("cp000", "cp001")
    await tick(world)
    await world.apply(a_site(2, FOLLOWS, reconcile="paused"))
    await tick(world, 100)
    assert world.relay.owners("cp000") == {"partner"}
    assert world.reconciler.controller.paused["cp000"] == "by backend-binding.a"
    plan = await world.plan(a_site(2, FOLLOWS))
    assert plan.summary.flip == 2
    await world.apply_plan(plan)
    assert world.relay.owners("cp000") == {"grid"}


async def test_who_paused_and_resumed_and_why_is_history() -> None:
    world = await world_of()
    await world.reconciler.pausing.resume(["cp000"], actor="ann")
    made, ended = (event for event in world.store.events if event.kind in ("pause", "resume"))
    assert (made.charger, made.actor, made.reason, made.summary) == ("cp000", "bob", "works", "until resumed")
    assert (ended.actor, ended.summary) == ("ann", "resumed by ann")


async def test_a_pause_without_a_reason_or_of_nobody_is_refused() -> None:
    world = await world_of()
    with pytest.raises(FwdctlError, match="needs a reason"):
        await world.reconciler.pausing.pause(["cp000"], reason=" ", actor="bob")
    with pytest.raises(UnknownAddress, match="no charger cp9"):
        await world.reconciler.pausing.pause(["cp9"], reason="x", actor="bob")
    with pytest.raises(FwdctlError, match="nobody paused that"):
        await world.reconciler.pausing.resume(["cp001"], actor="bob")
