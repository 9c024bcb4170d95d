"""Toggling: a technician's override, made, seen, and ended."""

from datetime import timedelta

import pytest

from reconciler.app.courses import ChargerResult, Verdict
from reconciler.app.toggling import ToggleRequest, ToggleResult
from reconciler.errors import FwdctlError, GuardTripped, InvalidSpecs, UnknownAddress
from reconciler.model.plan import Disruption
from reconciler.planning.guard import Limits, Share
from tests.support.outages import outage_document
from tests.support.specs import World, a_site, backend, role, without


async def world_of(chargers: int = 2) -> World:
    """Return a world in which a depot of connected chargers is applied."""
    world = World()
    await world.apply(a_site(chargers, {"partner": "primary", "grid": "passive"}))
    world.relay.connect(*(f"cp{number:03}" for number in range(chargers)))
    await world.reconciler.controller.tick(world.clock.now())
    return world


async def toggle(
    world: World, *chargers: str, primary: str = "local", reason: str = "visit", for_s: float | None = None
) -> ToggleResult:
    return await world.reconciler.toggle(ToggleRequest(chargers, primary, reason, "bob", for_s))


async def test_a_toggle_flips_now_and_back_when_its_time_is_up() -> None:
    world = await world_of()
    result = await toggle(world, "cp000", for_s=7200)
    assert result.results == (ChargerResult("cp000", Verdict.APPLIED),)
    (override,) = result.overrides
    assert (override.roles, override.reason) == ({"partner": "passive", "local": "primary"}, "visit")
    assert override.until == world.clock.now() + timedelta(hours=2)
    assert (world.relay.owners("cp000"), world.relay.owners("cp001")) == ({"local"}, {"partner"})
    world.clock.advance(7200)
    await world.reconciler.controller.tick(world.clock.now())
    assert world.relay.owners("cp000") == {"partner"}
    assert world.kinds("cp000") == ["toggle", "flip", "toggle-ended", "flip"]


async def test_a_toggle_is_ended_by_hand() -> None:
    world = await world_of()
    await toggle(world, "cp000")
    world.clock.advance(60)
    ended = await world.reconciler.end_toggle(["cp000", "cp001"], actor="eve")
    assert ended.results == (
        ChargerResult("cp000", Verdict.APPLIED),
        ChargerResult("cp001", Verdict.SKIPPED, "no override is in force"),
    )
    assert (world.relay.owners("cp000"), ended.exit_code) == ({"partner"}, 0)
    event = next(event for event in world.store.events if event.kind == "toggle-ended")
    assert (event.actor, event.reason, event.summary) == ("eve", "visit", "ended by eve")


async def test_chargers_go_by_name_address_or_glob() -> None:
    world = await world_of(3)
    result = await toggle(world, "charger.cp000", "cp00[12]", "cp002")
    assert [found.charger for found in result.results] == ["cp000", "cp001", "cp002"]


async def test_a_second_toggle_replaces_the_first_and_starts_from_what_is_declared() -> None:
    world = await world_of(1)
    await toggle(world, "cp000", primary="local")
    world.clock.advance(1)
    await toggle(world, "cp000", primary="grid")
    assert world.relay.owners("cp000") == {"grid"}
    world.clock.advance(1)
    await toggle(world, "cp000", primary="partner")
    assert world.relay.owners("cp000") == {"partner"}
    assert len(await world.store.overrides(world.clock.now())) == 1


async def test_a_toggle_survives_a_restart() -> None:
    world = await world_of(1)
    await toggle(world, "cp000")
    successor = World(world.store, world.relay)
    await successor.reconciler.start()
    assert world.relay.owners("cp000") == {"local"}


async def test_a_flip_that_the_relay_refuses_is_a_failure_that_is_tried_again() -> None:
    world = await world_of(1)
    world.relay.refuse("cp000", "grid rejects it")
    result = await toggle(world, "cp000", primary="grid")
    assert (result.results, result.exit_code) == ((ChargerResult("cp000", Verdict.FAILED, "grid rejects it"),), 7)
    world.relay.accept("cp000")
    world.clock.advance(60)
    await world.reconciler.controller.tick(world.clock.now())
    assert world.relay.owners("cp000") == {"grid"}


@pytest.mark.parametrize("reason", ["", "  "])
async def test_a_reason_is_mandatory(reason: str) -> None:
    with pytest.raises(FwdctlError, match="needs a reason"):
        await toggle(await world_of(), "cp000", reason=reason)


async def test_an_unknown_charger_or_back_end_is_refused_with_what_was_meant() -> None:
    world = await world_of()
    with pytest.raises(UnknownAddress, match="there is no charger cp0000") as no_charger:
        await toggle(world, "cp000", "cp0000")
    with pytest.raises(UnknownAddress, match="there is no backend patner") as no_backend:
        await toggle(world, "cp000", primary="patner")
    assert (no_charger.value.hint, no_backend.value.hint) == ("did you mean cp000?", "did you mean partner?")
    assert await world.store.overrides(world.clock.now()) == ()


async def test_roles_that_would_not_work_out_are_refused_before_anything_changes() -> None:
    world = World()
    await world.apply(
        [
            *without(a_site(2, {"partner": "primary"}), "grid"),
            backend("grid", versions=["ocpp2.1"]),
            role("energy", "smart-charging"),
        ]
    )
    with pytest.raises(InvalidSpecs) as refused:
        await toggle(world, "cp00*", primary="grid")
    assert {finding.address for finding in refused.value.diagnostics} == {"charger.cp000", "charger.cp001"}
    assert await world.store.overrides(world.clock.now()) == ()


async def test_the_guard_on_disruption_holds_for_toggles_too() -> None:
    world = await world_of(12)
    with pytest.raises(GuardTripped):
        await toggle(world, "*")
    limits = Limits(max_disruption=Share.parse("100%"))
    result = await world.reconciler.toggle(ToggleRequest(["*"], "local", "storm", "bob", 60, limits))
    assert len(result.overrides) == 12


async def test_an_extended_toggle_lasts_longer_and_history_says_why() -> None:
    world = await world_of(3)
    await toggle(world, "cp000", for_s=60)
    await toggle(world, "cp001")
    result = await world.reconciler.extend_toggle(["*"], by_s=60, reason="spare part is late", actor="ann")
    assert [found.verdict for found in result.results] == [Verdict.APPLIED, Verdict.SKIPPED, Verdict.SKIPPED]
    assert [override.charger for override in await world.reconciler.toggles()] == ["cp000", "cp001"]
    event = world.store.events[-1]
    assert (event.kind, event.actor, event.reason) == ("toggle-extended", "ann", "spare part is late")
    for passed_s, owner in ((119, "local"), (1, "partner")):
        world.clock.advance(passed_s)
        await world.reconciler.controller.tick(world.clock.now())
        assert world.relay.owners("cp000") == {owner}


async def test_to_extend_needs_a_reason() -> None:
    world = await world_of()
    await toggle(world, "cp000", for_s=60)
    with pytest.raises(FwdctlError, match="needs a reason"):
        await world.reconciler.extend_toggle(["cp000"], by_s=60, reason=" ", actor="ann")


async def test_a_toggle_to_who_is_declared_holds_through_an_outage() -> None:
    world = await world_of(1)
    await world.apply([outage_document()])
    await toggle(world, "cp000", primary="partner", for_s=2 * 3600)
    for passed_s, owner in ((3600, "partner"), (3600, "local")):
        world.clock.advance(passed_s)
        await world.reconciler.controller.tick(world.clock.now())
        assert world.relay.owners("cp000") == {owner}


async def test_a_preview_says_what_a_toggle_would_do_and_does_nothing() -> None:
    world = World()
    await world.apply(a_site(1, {"partner": "primary"}))
    world.relay.connect("cp000")
    await world.reconciler.controller.tick(world.clock.now())
    (effect,) = await world.reconciler.preview_toggle(["cp000"], "local")
    assert (effect.disruption, effect.chargers) == (Disruption.LIVE_FLIP, ("cp000",))
    assert [(move.before, move.after) for move in effect.moves] == [("partner", "local")]
    assert not await world.reconciler.toggles()
    with pytest.raises(UnknownAddress):
        await world.reconciler.preview_toggle(["cp000"], "nobody")
