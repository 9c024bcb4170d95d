"""Flips on real sockets: make before break, in-flight calls, refusals with a reason, hybrid roles (R5, R8, R10)."""

import asyncio
from collections.abc import Callable

import pytest

from reconciler.model.desired import Role
from reconciler.model.live import Ack, Deferred, LegPhase, Refusal
from reconciler.testing import CallFailed, SimulatedCsms, SimulatedStation
from tests.integration.relay.support import Pair, booted, pair, station, until
from tests.support.relay import PASSIVE, PRIMARY, charger

ENERGY = Role("energy", frozenset({"smart-charging"}))
PROFILE = {
    "connectorId": 1,
    "csChargingProfiles": {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
        },
    },
}


async def owns_everything(between: Pair, owner: SimulatedCsms, connected: SimulatedStation) -> None:
    """Show that `owner`, and nobody else, answers the station and may command it."""
    other = between.b if owner is between.a else between.a
    other.books.blocked_tags.add("WHO")
    owner.books.blocked_tags.discard("WHO")
    assert await connected.authorize("WHO") == "Accepted"
    assert set(between.relay.live("cp1").owners.values()) == {owner.name}
    with pytest.raises(CallFailed, match="SecurityError"):
        await other.call("CP1", "GetConfiguration", {})
    assert (await owner.call("CP1", "GetConfiguration", {}))["configurationKey"]


async def test_a_flip_is_acknowledged_and_takes_effect_at_once_without_touching_the_station() -> None:
    async with pair() as between, booted(between) as connected:
        await owns_everything(between, between.a, connected)
        for owner in (between.b, between.a) * 3:
            await between.flip(to=owner)
            await owns_everything(between, owner, connected)
        between.clean(connected)
        assert between.relay.live("cp1").connections == 1
        assert between.relay.tally.counts["flips",] == 6


TROUBLES: dict[str, tuple[Callable[[SimulatedCsms], object], str]] = {
    "refuses connections": (lambda b: setattr(b.manners, "refuse_status", 503), "HTTP 503"),
    "answers Pending": (
        lambda b: setattr(b.books, "boot_status", "Pending"),
        "b answered BootNotification with Pending",
    ),
    "answers Rejected": (lambda b: setattr(b.books, "boot_status", "Rejected"), "BootNotification with Rejected"),
    "answers nothing": (lambda b: setattr(b.manners, "silent", True), "b is registering"),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("known", [True, False], ids=["an-observer-so-far", "a-stranger-so-far"])
async def test_a_flip_to_a_back_end_that_is_not_ready_is_refused_with_the_reason_and_the_owner_keeps_everything(
    trouble: tuple[Callable[[SimulatedCsms], object], str], known: bool
) -> None:
    make, reason = trouble
    async with pair(confirm_within_s=0.4) as between:
        make(between.b)
        alone = charger("cp1", [(between.backend(between.a), PRIMARY)])
        if not known:
            await between.relay.run(alone)
        async with station(between) as connected:
            await connected.boot()
            transaction = await connected.start_transaction(1, "TAG")
            outcome = await between.relay.run(between.charger(PASSIVE, PRIMARY))
            assert isinstance(outcome, Refusal)
            assert reason in outcome.reason
            await owns_everything_alone(between, connected)
            await connected.stop_transaction(transaction)
            live = between.relay.live("cp1")
            assert live.refused == outcome
            assert live.generation < outcome.generation
            assert [leg.backend for leg in live.legs] == (["a", "b"] if known else ["a"])
            assert connected.disconnects == []


async def owns_everything_alone(between: Pair, connected: SimulatedStation) -> None:
    assert await connected.authorize("WHO") == "Accepted"
    assert set(between.relay.live("cp1").owners.values()) == {"a"}
    assert (await between.a.call("CP1", "GetConfiguration", {}))["configurationKey"]


async def test_a_flip_to_a_back_end_that_is_down_is_refused_and_succeeds_once_it_is_up() -> None:
    async with pair(confirm_within_s=0.4) as between, booted(between) as connected:
        await between.b.stop()
        await until(lambda: between.relay.phase("cp1", "b") is LegPhase.DOWN)
        outcome = await between.relay.run(between.charger(PASSIVE, PRIMARY))
        assert isinstance(outcome, Refusal)
        assert "connection refused" in outcome.reason
        await owns_everything_alone(between, connected)
        await between.b.start()
        between.more["confirm_within_s"] = 5.0
        await between.flip(to=between.b)
        await owns_everything(between, between.b, connected)
        assert between.relay.live("cp1").refused is None
        between.clean(connected)


async def test_a_flip_waits_for_a_back_end_that_needs_a_moment() -> None:
    async with pair() as between, booted(between) as connected:
        held = between.b.manners.held["BootNotification"] = asyncio.Event()
        await between.b.drop("CP1")
        await between.b.wait_for("BootNotification", count=2)
        flipping = asyncio.get_running_loop().create_task(between.relay.run(between.charger(PASSIVE, PRIMARY)))
        assert await connected.authorize("MEANWHILE") == "Accepted"
        assert set(between.relay.live("cp1").owners.values()) == {"a"}
        held.set()
        assert isinstance(await flipping, Ack)
        await owns_everything(between, between.b, connected)


async def test_a_newer_generation_supersedes_a_flip_that_still_waits() -> None:
    async with pair() as between, booted(between) as connected:
        between.b.manners.held["BootNotification"] = asyncio.Event()
        await between.b.drop("CP1")
        await until(lambda: between.relay.phase("cp1", "b") is LegPhase.REGISTERING)
        waiting = asyncio.get_running_loop().create_task(between.relay.run(between.charger(PASSIVE, PRIMARY)))
        await asyncio.sleep(0)  # let it begin
        assert isinstance(await between.relay.run(between.charger()), Ack)
        outcome = await waiting
        assert isinstance(outcome, Refusal)
        assert "superseded by generation 3" in outcome.reason
        await owns_everything_alone(between, connected)


async def test_a_generation_asked_for_again_while_it_is_under_way_has_one_outcome_for_all_who_asked() -> None:
    async with pair() as between, booted(between) as connected:
        held = between.b.manners.held["BootNotification"] = asyncio.Event()
        await between.b.drop("CP1")
        await until(lambda: between.relay.phase("cp1", "b") is LegPhase.REGISTERING)
        wanted = between.charger(PASSIVE, PRIMARY)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(between.relay.node.set_desired("cp1", 7, wanted)) for _ in range(3)]
            await asyncio.sleep(0)  # let all of them ask
            held.set()
        assert [task.result() for task in asked] == [Ack(7)] * 3
        await owns_everything(between, between.b, connected)


async def test_a_call_under_way_is_answered_by_whom_it_began_with() -> None:
    async with pair() as between, booted(between) as connected:
        between.b.books.blocked_tags.add("TAG")
        held = between.a.manners.held["Authorize"] = asyncio.Event()
        calling = asyncio.get_running_loop().create_task(connected.authorize("TAG"))
        await between.a.wait_for("Authorize")
        await between.flip(to=between.b)
        assert not calling.done()
        held.set()
        assert await calling == "Accepted"
        assert await connected.authorize("TAG") == "Blocked"
        between.clean(connected)


async def test_a_call_under_way_is_answered_by_whom_it_began_with_even_if_that_one_has_no_role_any_more() -> None:
    async with pair() as between, booted(between) as connected:
        held = between.a.manners.held["Authorize"] = asyncio.Event()
        calling = asyncio.get_running_loop().create_task(connected.authorize("TAG"))
        await between.a.wait_for("Authorize")
        outcome = await between.relay.run(charger("cp1", [(between.backend(between.b), PRIMARY)]))
        assert isinstance(outcome, Ack)
        assert "CP1" in between.a.stations
        held.set()
        assert await calling == "Accepted"
        await between.a.wait_disconnected("CP1")
        assert [leg.backend for leg in between.relay.live("cp1").legs] == ["b"]
        between.clean(connected)


async def test_a_command_under_way_is_answered_to_whom_gave_it_and_those_that_wait_are_refused() -> None:
    async with pair() as between, booted(between) as connected:
        held = connected.manners.held["ClearCache"] = asyncio.Event()
        connected.manners.answers["ClearCache"] = {"status": "Accepted"}
        await between.a.send_raw("CP1", '[2,"1","ClearCache",{}]')
        await connected.wait_for("ClearCache")
        before = between.frames(between.a)
        await between.a.send_raw("CP1", '[2,"2","ClearCache",{}]')
        await until(lambda: between.frames(between.a) == before + 1)
        await between.flip(to=between.b)
        await between.a.until(lambda: b'[3,"2",{"status":"Rejected"}]' in between.a.raw("received"))
        held.set()
        await between.a.until(lambda: b'[3,"1",{"status":"Accepted"}]' in between.a.raw("received"))
        assert len(connected.commands) == 1
        assert await between.b.call("CP1", "ClearCache", {}) == {"status": "Accepted"}
        between.clean(connected)


async def test_a_hybrid_role_owns_its_feature_and_nothing_else() -> None:
    async with pair(roles=(PRIMARY, ENERGY)) as between, booted(between) as connected:
        assert await between.b.call("CP1", "SetChargingProfile", PROFILE) == {"status": "Accepted"}
        assert await between.a.call("CP1", "SetChargingProfile", PROFILE) == {"status": "Rejected"}
        assert await between.b.call("CP1", "ChangeAvailability", {"connectorId": 1, "type": "Operative"}) == {
            "status": "Rejected"
        }
        assert await between.a.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
        assert [call.action for call in connected.commands] == ["SetChargingProfile", "Reset"]
        owners = between.relay.live("cp1").owners
        assert owners["smart-charging"] == "b"
        assert {owner for feature, owner in owners.items() if feature != "smart-charging"} == {"a"}


async def test_a_feature_changes_hands_alone_and_the_rest_stays() -> None:
    async with pair() as between, booted(between) as connected:
        assert isinstance(await between.relay.run(between.charger(PRIMARY, ENERGY)), Ack)
        assert await between.b.call("CP1", "SetChargingProfile", PROFILE) == {"status": "Accepted"}
        assert await between.a.call("CP1", "SetChargingProfile", PROFILE) == {"status": "Rejected"}
        between.b.books.blocked_tags.add("TAG")
        assert await connected.authorize("TAG") == "Accepted"
        owners = between.relay.live("cp1").owners
        assert [feature for feature, owner in owners.items() if owner == "b"] == ["smart-charging"]
        between.clean(connected)


async def test_a_change_for_an_offline_charger_is_deferred_and_runs_from_its_next_connection() -> None:
    async with pair() as between:
        outcome = await between.relay.run(between.charger(PASSIVE, PRIMARY))
        assert isinstance(outcome, Deferred)
        async with booted(between) as connected:
            await owns_everything(between, between.b, connected)
            assert between.relay.live("cp1").generation == outcome.generation
            between.clean(connected)


async def test_a_flip_whose_station_leaves_meanwhile_is_deferred_to_its_next_connection() -> None:
    async with pair() as between:
        between.b.manners.silent = True
        async with station(between) as connected:
            await connected.boot()
            flipping = asyncio.get_running_loop().create_task(between.relay.run(between.charger(PASSIVE, PRIMARY)))
            await between.b.wait_for("BootNotification")
        assert isinstance(await flipping, Deferred)
        between.b.manners.silent = False
        async with booted(between) as connected:
            await owns_everything(between, between.b, connected)


async def test_a_flip_to_a_back_end_that_then_answers_nothing_goes_back_and_the_station_does_not_notice() -> None:
    async with pair(confirm_within_s=0.4) as between, booted(between) as connected:
        between.b.manners.silent = True
        outcome = await between.relay.run(between.charger(PASSIVE, PRIMARY))
        assert isinstance(outcome, Refusal)
        assert outcome.reason.startswith("went back: b ")
        await owns_everything_alone(between, connected)
        assert between.relay.live("cp1").generation == 1
        assert "flips" not in str(between.relay.tally.counts)
        assert connected.disconnects == []
