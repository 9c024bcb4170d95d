"""Explain as a use case: now, or at any other time."""

from datetime import timedelta

import pytest

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


async def test_only_one_charger_is_explained() -> None:
    world = World()
    await world.apply(a_site(2))
    with pytest.raises(FwdctlError, match="means 2 chargers"):
        await world.reconciler.explain("cp*")
