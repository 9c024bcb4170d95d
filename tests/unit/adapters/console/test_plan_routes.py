"""Plans in the console: seen by everybody, applied once, by an operator, with a reason and the guards of an apply."""

import asyncio

from reconciler.model.access import Access
from reconciler.model.plan import Plan
from tests.support.specs import World, a_site, document
from tests.unit.adapters.console.console_world import Seat

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}
NIGHTS = document(
    "ChangeWindow",
    "nights",
    action="allow",
    chargers={"names": ["*"]},
    window={"cron": "0 3 * * *", "duration": "1h", "timeZone": "UTC"},
)


async def seat(access: Access = Access.OPERATOR, chargers: int = 2, *more: object) -> tuple[Seat, Plan]:
    """Return somebody in front of a plan that flips chargers, made by a pipeline."""
    world = World()
    await world.apply([*a_site(chargers, LEADS), *more])  # type: ignore[list-item]
    world.relay.connect(*(f"cp{number:03}" for number in range(chargers)))
    await world.reconciler.controller.tick(world.clock.now())
    here, plan = Seat(world, access, "olga"), await world.plan(a_site(chargers, FOLLOWS))
    here.runs.plans.keep(plan, "ci")
    return here, plan


async def ended(here: Seat, run_id: str) -> None:
    """Return once an apply is over."""
    run = here.runs.find(run_id)
    async with asyncio.timeout(10):
        while not run.done:
            await run.wait_for_news(len(run.progress), 10.0)


async def test_a_plan_is_listed_seen_and_applied_once() -> None:
    here, plan = await seat()
    assert f'href="/plans/{plan.plan_id}"' in (await here.get("/changes")).text
    at = f"/plans/{plan.plan_id}"
    text = (await here.get(at)).text
    assert "spec.backends[grid].role: passive -&gt; primary" in text
    assert "2 flipped live" in text
    missing = await here.send(at, f"{at}/apply", reason=" ")
    assert (missing.status_code, "The reason is missing" in missing.text) == (422, True)
    assert not here.runs.recent()
    done = await here.send(at, f"{at}/apply", reason="as reviewed")
    assert done.headers["location"] == "/applies/run-1"
    await ended(here, "run-1")
    assert "Applied</span> as" in (await here.get("/applies/run-1")).text
    again = await here.send("/", f"{at}/apply", reason="twice")
    assert again.headers["location"] == "/applies/run-1"
    assert len(here.runs.recent()) == 1
    assert 'id="apply-now"' not in (await here.get(at)).text
    assert [(event.actor, event.reason) for event in here.world.store.events if event.kind == "apply"][-1] == (
        "olga",
        "as reviewed",
    )


async def test_who_may_only_look_sees_the_plan_and_applies_nothing() -> None:
    here, plan = await seat(Access.VIEWER)
    at = f"/plans/{plan.plan_id}"
    assert 'id="apply-now" disabled title="Your token is for a viewer' in (await here.get(at)).text
    for to in (f"{at}/apply", "/applies/x/stop", "/applies/x/resume"):
        assert (await here.send("/", to, reason="x")).status_code == 403
    here.select = {"site": "a"}
    assert (await here.get(at)).status_code == 403
    assert not here.runs.recent()


async def test_a_plan_that_no_longer_holds_can_not_be_applied() -> None:
    here, plan = await seat()
    await here.world.apply(a_site(2, {"partner": "primary"}))
    at = f"/plans/{plan.plan_id}"
    text = (await here.get(at)).text
    assert "It no longer holds: backend-binding.a changed since" in text
    assert 'id="apply-now"' not in text
    await here.send("/", f"{at}/apply", reason="all the same")  # whoever sends the form of before
    await ended(here, "run-1")
    assert here.runs.find("run-1").exit_code == 6
    assert "Not applied</span>" in (await here.get("/applies/run-1")).text
    assert "changed nothing" in (await here.get(at)).text


async def test_a_guard_is_for_the_command_line_to_override() -> None:
    here, plan = await seat(Access.OPERATOR, 20)
    text = (await here.get(f"/plans/{plan.plan_id}")).text
    assert "A guard says no: 20 of 20 live chargers would be flipped" in text
    assert "<code>--max-disruption 20</code>" in text
    assert 'id="apply-now"' not in text


async def test_a_change_window_is_waited_for() -> None:
    here, plan = await seat(Access.OPERATOR, 2, NIGHTS)
    at = f"/plans/{plan.plan_id}"
    text = (await here.get(at)).text
    assert "eligible at" in text
    assert "2026-12-01 03:00 UTC" in text
    await here.send(at, f"{at}/apply", reason="no hurry", when="wait")
    run = here.runs.find("run-1")
    await run.wait_for_news(0, 5.0)
    assert "Waits</span> for its change window" in (await here.get("/applies/run-1")).text
    assert not run.done


async def test_a_change_window_is_overridden_with_a_reason_by_an_admin() -> None:
    here, urgent = await seat(Access.ADMIN, 2, NIGHTS)
    at = f"/plans/{urgent.plan_id}"
    await here.send(at, f"{at}/apply", reason="on fire", when="override")
    await ended(here, "run-1")
    assert here.runs.find("run-1").exit_code == 0


async def test_an_operator_does_not_override_a_change_window() -> None:
    here, plan = await seat(Access.OPERATOR, 2, NIGHTS)
    at = f"/plans/{plan.plan_id}"
    assert "this needs admin access" in (await here.get(at)).text
    refused = await here.send(at, f"{at}/apply", reason="on fire", when="override")
    assert (refused.status_code, list(here.runs.recent())) == (403, [])


async def test_a_plan_that_is_not_kept_says_how_to_make_it() -> None:
    here, _ = await seat()
    answer = await here.get("/plans/none")
    assert answer.status_code == 404
    assert "fwdctl apply --plan FILE" in answer.text
