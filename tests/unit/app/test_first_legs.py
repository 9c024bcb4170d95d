"""First legs: who judges a station's credentials, and an owner that was away, are dialled before it is let in."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app import first_legs
from reconciler.app.legs import Admit, DialFailed, Refuse
from reconciler.model.desired import DesiredCharger, DesiredLeg, Security
from tests.support.fake_legs import FakeLeg
from tests.support.relay import PASSIVE, PRIMARY, backend, charger
from tests.unit.app.test_node import BOOT, FLIPPED, A, B, ends


def passing_on(*more: DesiredLeg) -> DesiredCharger:
    """Return a charger whose credentials are passed to a."""
    desired = charger("cp1", [(A, PRIMARY, "passthrough")], security=Security(profile=1))
    return replace(desired, legs=desired.legs + more)


@pytest.mark.parametrize(
    ("failed", "status"),
    [
        (DialFailed("no", 401), 401),
        (DialFailed("no", 403), 403),
        (DialFailed("no", 404), 404),
        (DialFailed("no", 500), 503),
        (DialFailed("no", 400), 503),
        (DialFailed("connection refused"), 503),
    ],
)
async def test_a_refusal_of_who_judges_the_credentials_is_mirrored_and_any_other_trouble_is_our_own(
    failed: DialFailed, status: int
) -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, passing_on())
    world.dialer.failures.append(failed)
    refused = await world.knock(authorization="Basic Q1AxOng=")
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.retry_after_s) == (status, 30 if status == 503 else None)


async def test_a_leg_opened_with_the_station_s_credentials_becomes_its_session_s() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, passing_on())
    admit = await world.knock(authorization="Basic Q1AxOng=")
    assert isinstance(admit, Admit)
    assert [request.authorization for request in world.dialer.requests] == ["Basic Q1AxOng="]
    leg = FakeLeg()
    leg.sink = world.node.opened(admit, leg)
    leg.peer_says(BOOT)
    await world.dialer.until(lambda: world.dialer.legs[0].sent)
    assert len(world.dialer.requests) == 1


async def test_a_leg_whose_station_never_comes_in_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_legs, "ADOPT_WITHIN_S", 0.005)
    world = ends()
    await world.node.set_desired("cp1", 1, passing_on())
    await world.knock(authorization="Basic Q1AxOng=")
    await world.dialer.until(lambda: world.dialer.legs[0].closed)
    assert world.dialer.legs[0].closed == (1001, "the charging station did not complete its handshake")


@pytest.mark.parametrize("end", ["refused", "gave up", "failed"])
async def test_a_leg_of_a_station_that_is_not_let_in_after_all_is_closed(end: str) -> None:
    world = ends()
    other = DesiredLeg(B, PASSIVE, "passthrough")
    await world.node.set_desired("cp1", 1, passing_on(other))
    world.dialer.held, world.dialer.held_backend = asyncio.Event(), "b"
    knocking = asyncio.get_running_loop().create_task(world.knock(authorization="Basic Q1AxOng="))
    await world.dialer.leg()
    if end == "refused":
        world.dialer.failures.append(DialFailed("no", 401))
        world.dialer.held.set()
    elif end == "failed":
        world.dialer.held.set()
        world.dialer.failures.append(ArithmeticError("a bug"))  # type: ignore[arg-type]
    else:
        knocking.cancel()
    outcome: Any = (await asyncio.gather(knocking, return_exceptions=True))[0]
    assert isinstance(outcome, Refuse | asyncio.CancelledError | ArithmeticError)
    await world.dialer.until(lambda: world.dialer.legs[0].closed)


async def test_an_owner_that_was_away_must_be_back_first_unless_it_owns_no_longer() -> None:
    world = ends()
    desired = charger("cp1", [(backend("a", "ws://a", down_after_s=0.001), PRIMARY), (B, PASSIVE)])
    await world.node.set_desired("cp1", 1, desired)
    world.dialer.failures.extend([DialFailed("connection refused")] * 2)
    station = await world.station()
    for _ in range(200):
        if station.closed:
            break
        world.dialer.failures.append(DialFailed("connection refused"))
        await asyncio.sleep(0.005)
    assert station.closed is not None
    assert station.closed[0] == 1013
    world.dialer.failures.clear()
    world.dialer.failures.append(DialFailed("connection refused"))
    refused = await world.knock()
    assert isinstance(refused, Refuse)
    assert refused.status == 503
    await world.node.set_desired("cp1", 2, FLIPPED)
    world.dialer.failures.append(DialFailed("connection refused"))
    assert isinstance(await world.knock(), Admit)
