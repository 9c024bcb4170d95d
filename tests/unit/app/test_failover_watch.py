"""Watching owners, through the whole controller: failing over, coming back, and not fighting either."""

from reconciler.model.live import LegPhase
from tests.support.outages import outage_document
from tests.support.specs import World, a_site

TO_LOCAL = {"whenOwnerIsDown": "failover", "failover": {"to": "local", "after": "30s", "back": "auto"}}
BY_HAND = {"whenOwnerIsDown": "failover", "failover": {"to": "local", "after": "30s", "back": "manual"}}


async def world_of(spec: dict[str, object], *more: object) -> World:
    """Return a world with a connected charger whose owner is partner."""
    world = World()
    world.relay.connect("cp000")
    await world.apply([*a_site(1, **spec), *more])  # type: ignore[list-item]
    await tick(world)
    return world


async def tick(world: World, after_s: float = 0.0) -> set[str]:
    """Let time pass and the controller act; return who owns anything on cp000."""
    world.clock.advance(after_s)
    await world.reconciler.controller.tick(world.clock.now())
    return world.relay.owners("cp000")


async def down(world: World) -> None:
    """Let partner go away for long enough."""
    world.relay.lose("partner")
    assert await tick(world) == {"partner"}
    assert await tick(world, 29.9) == {"partner"}
    assert await tick(world, 0.1) == {"local"}


async def test_an_owner_that_stays_away_is_stood_in_for_and_history_says_why() -> None:
    world = await world_of(TO_LOCAL)
    await down(world)
    assert world.kinds("cp000")[-2:] == ["failover", "flip"]
    assert world.store.events[-1].reason.startswith("partner is down, local stands in since ")
    assert await tick(world, 3600) == {"local"}
    assert "drift-healed" not in world.kinds()


async def test_it_gets_its_charger_back_once_it_stays() -> None:
    world = await world_of(TO_LOCAL)
    await down(world)
    world.relay.regain("partner")
    assert await tick(world) == {"local"}
    assert await tick(world, 119) == {"local"}
    assert await tick(world, 1) == {"partner"}
    assert await world.reconciler.failovers.failovers() == ()


async def test_a_back_end_that_flaps_neither_fails_over_nor_comes_back() -> None:
    world = await world_of(TO_LOCAL)
    for _ in range(10):
        world.relay.lose("partner")
        assert await tick(world, 25) == {"partner"}
        world.relay.regain("partner")
        assert await tick(world, 1) == {"partner"}
    await down(world)
    for _ in range(10):
        world.relay.regain("partner")
        assert await tick(world, 100) == {"local"}
        world.relay.lose("partner")
        assert await tick(world, 1) == {"local"}


async def test_an_owner_that_is_slow_to_answer_a_boot_is_what_it_was_until_its_time_for_that_is_up() -> None:
    world = await world_of(TO_LOCAL)
    world.relay.lose("partner", LegPhase.REGISTERING)
    await tick(world)
    assert await tick(world, 29) == {"partner"}
    world.relay.lose("partner", LegPhase.UNANSWERED)
    await tick(world)
    assert await tick(world, 15) == {"partner"}
    world.relay.lose("partner", LegPhase.REGISTERING)  # asked again, and as silent as before
    assert await tick(world, 15) == {"local"}
    world.relay.regain("partner")
    await tick(world)
    assert await tick(world, 60) == {"local"}
    world.relay.lose("partner", LegPhase.REGISTERING)
    assert await tick(world, 30) == {"local"}
    world.relay.regain("partner")
    assert await tick(world, 30) == {"partner"}


async def test_a_failover_survives_a_restart_and_returns_from_there() -> None:
    world = await world_of(TO_LOCAL)
    await down(world)
    world.relay.regain("partner")
    successor = World(world.store, world.relay)
    await successor.reconciler.start()
    assert await tick(successor) == {"local"}
    assert await tick(successor, 120) == {"partner"}


async def test_one_that_comes_back_by_hand_waits_for_the_hand() -> None:
    world = await world_of(BY_HAND)
    await down(world)
    world.relay.regain("partner")
    await tick(world)
    assert await tick(world, 3600) == {"local"}
    results = await world.reconciler.failovers.end(["cp*"], actor="ann")
    assert [result.verdict for result in results] == ["applied"]
    assert await tick(world, 3600) == {"partner"}
    assert world.store.events[-1].actor == "ann"


async def test_one_that_was_ended_too_early_comes_again_after_its_full_time() -> None:
    world = await world_of(BY_HAND)
    await down(world)
    await world.reconciler.failovers.end(["cp000"], actor="ann")
    assert world.relay.owners("cp000") == {"partner"}
    assert await tick(world, 29) == {"partner"}
    assert await tick(world, 1) == {"local"}


async def test_without_the_rule_nobody_stands_in() -> None:
    world = await world_of({"whenOwnerIsDown": "buffer"})
    world.relay.lose("partner")
    await tick(world)
    assert await tick(world, 3600) == {"partner"}


async def test_an_outage_is_above_a_failover_which_goes_on_below() -> None:
    roles = {"partner": "passive", "grid": "primary"}
    world = await world_of(TO_LOCAL, outage_document(roles=roles))
    await down(world)
    assert await tick(world, 3600) == {"grid"}
    assert await tick(world, 7200) == {"local"}


async def test_who_is_passive_in_an_outage_is_not_stood_in_for() -> None:
    world = await world_of(TO_LOCAL, outage_document(roles={"partner": "passive", "grid": "primary"}))
    assert await tick(world, 3600) == {"grid"}
    world.relay.lose("partner")
    await tick(world)
    await tick(world, 60)
    assert await world.reconciler.failovers.failovers() == ()


async def test_a_failover_that_is_no_longer_declared_ends() -> None:
    world = await world_of(TO_LOCAL)
    await down(world)
    await world.apply(a_site(1, whenOwnerIsDown="buffer"))
    assert world.relay.owners("cp000") == {"partner"}
    assert await world.reconciler.failovers.failovers() == ()


async def test_the_loop_wakes_when_health_turns() -> None:
    world = await world_of(TO_LOCAL)
    world.relay.lose("partner")
    await tick(world)
    world.clock.advance(29)
    assert world.reconciler.controller._nap_s() <= 1.0


async def test_after_one_that_is_no_longer_declared_nobody_fails_over_who_is_there() -> None:
    world = await world_of(TO_LOCAL)
    await down(world)
    world.relay.regain("partner")
    assert await tick(world) == {"local"}
    await world.apply(a_site(1, {"partner": "primary", "grid": "passive"}, **{**TO_LOCAL, "failover": {"to": "grid"}}))
    assert await tick(world) == {"partner"}
    assert await tick(world, 5) == {"partner"}


async def test_who_is_the_owner_again_after_an_outage_is_not_stood_in_for_while_it_is_there() -> None:
    world = await world_of(TO_LOCAL, outage_document(roles={"partner": "passive", "grid": "primary"}))
    assert await tick(world, 3600) == {"grid"}
    world.relay.lose("partner")
    await tick(world)
    assert await tick(world, 7100) == {"grid"}
    world.relay.regain("partner")
    await tick(world)
    assert await tick(world, 100) == {"partner"}
    assert await tick(world, 5) == {"partner"}


async def test_who_was_away_while_it_owned_nothing_and_came_back_is_waited_for_in_full() -> None:
    world = await world_of(TO_LOCAL, outage_document(roles={"partner": "passive", "grid": "primary"}))
    assert await tick(world, 3600) == {"grid"}
    world.relay.lose("partner")
    await tick(world)
    assert await tick(world, 7185) == {"grid"}
    world.relay.regain("partner")
    assert await tick(world, 10) == {"grid"}
    world.relay.lose("partner")
    assert await tick(world) == {"grid"}
    assert await tick(world, 5) == {"partner"}
    assert await tick(world, 24.9) == {"partner"}
    assert await tick(world, 0.1) == {"local"}


async def test_who_is_to_be_waited_for_longer_by_now_is_waited_for_that_long() -> None:
    outage = outage_document(roles={"partner": "passive", "grid": "primary"})
    world = await world_of(TO_LOCAL, outage)
    assert await tick(world, 3600) == {"grid"}
    assert await tick(world, 7100) == {"grid"}
    world.relay.lose("partner")
    await tick(world)
    assert await tick(world, 50) == {"grid"}
    await world.apply([*a_site(1, **{**TO_LOCAL, "failover": {"to": "local", "after": "2m"}}), outage])
    assert await tick(world, 50) == {"partner"}
    assert await tick(world, 19.9) == {"partner"}
    assert await tick(world, 0.1) == {"local"}
