"""Explain as a use case: now, or at any other time."""

from datetime import timedelta

import pytest

from reconciler.app.applying import ApplyProgress, ApplyRequest
from reconciler.app.rollout import StopRequest
from reconciler.app.toggling import ToggleRequest
from reconciler.errors import FwdctlError
from tests.support.outages import outage_document
from tests.support.specs import World, a_site


async def test_it_explains_now_and_any_other_time() -> None:
    world = World()
    await world.apply([*a_site(1), outage_document()])
    await world.reconciler.toggle(ToggleRequest(["cp000"], "grid", "visit", "bob", for_s=60))
    now = world.clock.now()
    told = [
        (await world.reconciler.explain("charger.cp000", at)).decisions[0].because
        for at in (None, now + timedelta(minutes=2), now + timedelta(hours=1))
    ]
    assert told == [
        "toggled by bob (visit)",
        "declared by backend-binding.a",
        "scheduled-outage.firmware (quarterly firmware)",
    ]


async def test_a_charger_that_an_apply_has_not_come_to_runs_as_before_and_says_what_it_waits_for() -> None:
    world = World()
    await world.apply(a_site(1, {"partner": "primary", "grid": "passive"}))
    world.relay.connect("cp000", "cp001")
    stop = StopRequest()

    def heard(progress: ApplyProgress) -> None:
        stop.by = "ann" if progress.step == "committed" else stop.by

    plan = await world.plan(a_site(2, {"partner": "passive", "grid": "primary"}))
    await world.reconciler.apply(ApplyRequest(plan, "ann", id="a1"), heard, stop)
    (decision,) = (await world.reconciler.explain("cp000")).decisions
    assert decision.owner == "partner"
    waits = "apply a1 has not come to it; where that was stopped: fwdctl apply --resume a1"
    assert decision.because == f"declared by backend-binding.a as of revision 1: {waits}"
    newcomer = await world.reconciler.explain("cp001")
    assert newcomer.decisions[0].because == f"declared by backend-binding.a and not there yet: {waits}"
    hypothetical = await world.reconciler.explain("cp000", world.clock.now())
    assert hypothetical.decisions[0].owner == "grid"


async def test_what_is_refused_or_waits_is_not_so_yet_and_says_why() -> None:
    world = World()
    await world.apply(a_site(1, {"partner": "primary", "grid": "passive"}))
    world.relay.connect("cp000")
    await world.reconciler.controller.tick(world.clock.now())
    world.relay.refuse("cp000", "grid rejects it")
    await world.apply(a_site(1, {"partner": "passive", "grid": "primary"}))
    explained = await world.reconciler.explain("cp000")
    assert (explained.decisions[0].owner, explained.not_yet) == ("grid", "grid rejects it")
    assert (await world.reconciler.explain("cp000", world.clock.now())).not_yet == ""
    world.relay.accept("cp000")
    world.clock.advance(60)
    await world.reconciler.controller.tick(world.clock.now())
    assert (await world.reconciler.explain("cp000")).not_yet == ""


async def test_only_one_charger_is_explained() -> None:
    world = World()
    await world.apply(a_site(2))
    with pytest.raises(FwdctlError, match="means 2 chargers"):
        await world.reconciler.explain("cp*")
