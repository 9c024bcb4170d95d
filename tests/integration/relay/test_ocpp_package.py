"""Stations and CSMSs written by others: the `ocpp` package on both ends, unmodified, in all three versions."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.integration.relay.ocpp_package import NOW, package_csms, package_station
from tests.integration.relay.support import until
from tests.support.relay import PASSIVE, PRIMARY, backend, charger, relay

VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]
TRANSACTION = {
    "ocpp1.6": ["StartTransaction", "MeterValues", "MeterValues", "StopTransaction"],
    "ocpp2.0.1": ["TransactionEvent"] * 4 + ["MeterValues"],
    "ocpp2.1": ["TransactionEvent"] * 4 + ["MeterValues"],
}


def numbered_from(first_transaction_id: int) -> Any:
    """Return what makes a 1.6 CSMS mint that transaction id."""
    return lambda point: setattr(point, "first_transaction_id", first_transaction_id)


def actions(point: Any) -> list[str]:
    """Return the actions a CSMS answered, in order."""
    return [action for action, _ in point.seen]


@pytest.mark.parametrize("observed", [False, True], ids=["alone", "beside-a-passive-one"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_of_the_ocpp_package_lives_a_whole_transaction_with_a_csms_of_the_ocpp_package(
    version: str, observed: bool
) -> None:
    async with AsyncExitStack() as stack:
        owner_url, owners = await stack.enter_async_context(package_csms(version, numbered_from(7)))
        other_url, others = await stack.enter_async_context(package_csms(version, numbered_from(900)))
        running = await stack.enter_async_context(relay())
        passive = [(backend("observer", other_url), PASSIVE)] if observed else []
        await running.run(charger("cp1", [(backend("owner", owner_url), PRIMARY), *passive]))
        station = await stack.enter_async_context(package_station(version, running.url, "CP1"))

        said = await station.live("TAG")

        assert all(answer is not None for answer in said), said  # None is the package's word for a CALLERROR
        assert (said[0].status, said[0].interval, said[2].current_time) == ("Accepted", 300, NOW)
        (owner,) = owners
        expected = ["BootNotification", "StatusNotification", "Heartbeat", "Authorize", *TRANSACTION[version]]
        assert actions(owner) == [*expected, "Heartbeat"]
        accepted, configuration = await owner.command()
        assert accepted.status == "Accepted"
        assert "300" in str(configuration)
        if observed:
            await follows(version, others[0], len(expected) - 1)
        assert running.live("cp1").transactions == ()
        assert running.tally.notes("malformed-frame") == running.tally.notes("stray-answer") == 0


async def follows(version: str, observer: Any, calls: int) -> None:
    """The observer saw everything but the station's heartbeats, under ids of its own, and may command nothing."""
    await until(lambda: len(observer.seen) >= calls)
    copied = ["BootNotification", "StatusNotification", "Authorize", *TRANSACTION[version]]
    assert actions(observer) == copied
    if version == "ocpp1.6":
        ids = [payload["transaction_id"] for _, payload in observer.seen if "transaction_id" in payload]
        assert ids == [900, 900, 900]
    refused, read = await observer.command()
    assert refused.status == "Rejected"
    assert read is None or read.get_variable_result[0]["attribute_status"] == "Rejected"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_live_flip_between_two_csmss_of_the_ocpp_package_is_not_noticed_by_the_station(version: str) -> None:
    async with (
        package_csms(version, numbered_from(7)) as (a_url, a_points),
        package_csms(version, numbered_from(900)) as (b_url, b_points),
        relay() as running,
    ):
        a, b = backend("a", a_url), backend("b", b_url)
        await running.run(charger("cp1", [(a, PRIMARY), (b, PASSIVE)]))
        async with package_station(version, running.url, "CP1") as station:
            await station.live("TAG")
            await until(lambda: len(b_points[0].seen) >= len(a_points[0].seen) - 2)
            for owner, roles in ((b_points[0], (PASSIVE, PRIMARY)), (a_points[0], (PRIMARY, PASSIVE))) * 3:
                await running.run(charger("cp1", zip((a, b), roles, strict=True)))
                before = len(owner.seen)
                said = await station.live("TAG")
                assert all(answer is not None for answer in said)
                assert actions(owner)[before:].count("Heartbeat") == 2
                accepted, _ = await owner.command()
                assert accepted.status == "Accepted"
            assert len(a_points) == len(b_points) == running.live("cp1").connections == 1
