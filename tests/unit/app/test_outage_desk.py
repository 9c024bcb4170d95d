"""Outages: they open and close by themselves; people cancel, extend and begin them; the controller follows."""

from datetime import timedelta

import pytest

from reconciler.app.outage_desk import BeginRequest
from reconciler.app.toggling import ToggleRequest
from reconciler.errors import FwdctlError, GuardTripped, UnknownAddress
from reconciler.planning.guard import Limits, Share
from tests.support.clock import EPOCH
from tests.support.outages import outage_document
from tests.support.specs import World, a_site

OPENING = EPOCH + timedelta(hours=1)
HOUR_S = 3600.0


async def world_of(**spec: object) -> World:
    """Return a world with a connected charger and an outage from EPOCH + 1 h until + 3 h."""
    world = World()
    world.relay.connect("cp000")
    await world.apply([*a_site(1), outage_document(**spec)])  # type: ignore[arg-type]
    return world


async def tick(world: World, after_s: float = 0.0) -> set[str]:
    """Let time pass and the controller act; return who owns anything on cp000."""
    world.clock.advance(after_s)
    await world.reconciler.controller.tick(world.clock.now())
    return world.relay.owners("cp000")


async def test_an_outage_opens_and_closes_by_itself_and_history_says_why() -> None:
    world = await world_of()
    assert await tick(world, HOUR_S - 1) == {"partner"}
    assert await tick(world, 1) == {"local"}
    assert world.store.events[-1].reason == "scheduled-outage.firmware (quarterly firmware)"
    assert await tick(world, 2 * HOUR_S) == {"partner"}
    assert world.store.events[-1].reason == "scheduled-outage.firmware (quarterly firmware) is over"


async def test_an_outage_that_ended_while_nobody_looked_is_over_at_the_next_look() -> None:
    world = await world_of()
    assert await tick(world, HOUR_S) == {"local"}
    successor = World(world.store, world.relay)
    successor.clock.advance(5 * HOUR_S)
    await successor.reconciler.start()
    assert world.relay.owners("cp000") == {"partner"}


async def test_whatever_the_wall_clock_is_set_to_the_next_look_runs_what_that_time_asks_for() -> None:
    """Also on a laptop that slept: its monotonic clock stood still, the wall clock did not."""
    world = await world_of()
    for hour, owner in ((1.5, "local"), (0.5, "partner"), (2.9, "local"), (50, "partner"), (1, "local")):
        world.clock.set_wall(EPOCH + timedelta(hours=hour))
        assert await tick(world) == {owner}
    await world.reconciler.toggle(ToggleRequest(["cp000"], "grid", "visit", "bob", for_s=HOUR_S))
    assert await tick(world, 1) == {"grid"}
    world.clock.set_wall(EPOCH + timedelta(hours=2.5))
    assert await tick(world) == {"local"}  # the visit is over, the outage is not


async def test_waiting_lasts_until_the_transaction_ends_and_no_longer_than_the_outage() -> None:
    world = await world_of(flip={"openTransaction": "wait"})
    world.relay.begin_transaction("cp000")
    assert await tick(world, HOUR_S) == {"partner"}
    world.relay.end_transaction("cp000")
    assert await tick(world, 1) == {"local"}
    world = await world_of(flip={"openTransaction": "wait"})
    world.relay.begin_transaction("cp000")
    assert await tick(world, HOUR_S) == {"partner"}
    await tick(world, 2 * HOUR_S)
    world.relay.end_transaction("cp000")
    assert await tick(world, 60) == {"partner"}


async def test_a_charger_that_an_outage_skips_is_left_alone_until_the_outage_is_over() -> None:
    world = await world_of(flip={"openTransaction": "skip"})
    world.relay.begin_transaction("cp000")
    assert await tick(world, HOUR_S) == {"partner"}
    world.relay.end_transaction("cp000")
    asked = len(world.relay.asked)
    assert await tick(world, 600) == {"partner"}
    assert len(world.relay.asked) == asked


async def test_cancelling_ends_what_is_open_or_keeps_the_next_from_opening() -> None:
    world = await world_of()
    change = await world.reconciler.outages.cancel("firmware", opening=None, reason="rain", actor="ann")
    assert change.occurrence.cancelled
    assert await tick(world, HOUR_S) == {"partner"}
    assert [event.kind for event in world.store.events][-1] == "outage-cancelled"
    world = await world_of()
    await tick(world, HOUR_S + 60)
    await world.reconciler.outages.cancel("scheduled-outage.firmware", opening=None, reason="done", actor="ann")
    assert world.relay.owners("cp000") == {"partner"}
    flip = world.store.events[-1]
    assert (flip.kind, flip.actor, flip.reason) == ("flip", "ann", "done")
    with pytest.raises(UnknownAddress, match="does not open any more"):
        await world.reconciler.outages.cancel("firmware", opening=None, reason="again", actor="ann")


async def test_an_extended_outage_lasts_longer_also_after_a_restart() -> None:
    world = await world_of()
    await tick(world, HOUR_S)
    await world.reconciler.outages.extend("firmware", by_s=3600, opening=None, reason="slow", actor="ann")
    assert await tick(world, 2 * HOUR_S) == {"local"}
    assert await tick(world, HOUR_S) == {"partner"}


async def test_a_cancelled_opening_can_not_be_extended() -> None:
    world = await world_of()
    desk = world.reconciler.outages
    await desk.cancel("firmware", opening=OPENING, reason="rain", actor="ann")
    with pytest.raises(FwdctlError, match="is cancelled"):
        await desk.extend("firmware", by_s=60, opening=OPENING, reason="sun", actor="ann")


async def test_an_unknown_outage_or_opening_is_refused() -> None:
    world = await world_of()
    desk = world.reconciler.outages
    with pytest.raises(UnknownAddress, match="there is no outage firmwar") as refused:
        await desk.cancel("firmwar", opening=None, reason="x", actor="ann")
    assert refused.value.hint == "did you mean firmware?"
    with pytest.raises(UnknownAddress, match="does not open at 2026-12-01T02:00:00Z"):
        await desk.cancel("firmware", opening=EPOCH, reason="x", actor="ann")


async def test_an_outage_begun_by_hand_holds_at_once_and_ends_by_itself() -> None:
    world = await world_of()
    change = await world.reconciler.outages.begin(BeginRequest(["cp000"], "grid", 600, "fire drill", "ann"))
    assert world.relay.owners("cp000") == {"grid"}
    assert world.store.events[-1].actor == "ann"
    (by_hand, declared) = await world.reconciler.outages.outages()
    assert (by_hand.open, by_hand.next) == (change.occurrence, None)
    assert declared.outage.name == "firmware"
    assert await tick(world, 600) == {"partner"}
    assert [status.outage.name for status in await world.reconciler.outages.outages()] == ["firmware"]


async def test_what_an_emergency_must_not_do_is_refused_and_changes_nothing() -> None:
    world = await world_of()
    begin = world.reconciler.outages.begin
    for request, error, match in [
        (BeginRequest(["cp000"], "grid", 60, " ", "ann"), FwdctlError, "needs a reason"),
        (BeginRequest(["cp000"], "gird", 60, "x", "ann"), UnknownAddress, "there is no backend gird"),
        (BeginRequest(["cp000"], "partner", 60, "x", "ann"), FwdctlError, "is their primary already"),
        (BeginRequest(["cp000"], "grid", 60, "x", "ann", limits=Limits(Share(0))), GuardTripped, "1 of 1 live"),
    ]:
        with pytest.raises(error, match=match):
            await begin(request)
    assert world.relay.owners("cp000") == {"partner"}


async def test_what_comes_next_is_listed_by_time_cancelled_ones_too() -> None:
    world = await world_of()
    assert [one.opening for one in await world.reconciler.outages.upcoming(5)] == [OPENING]
    await world.reconciler.outages.cancel("firmware", opening=None, reason="rain", actor="ann")
    assert [one.cancelled for one in await world.reconciler.outages.upcoming(5)] == [True]
    assert await world.reconciler.outages.outages() == ()
