"""Charging profiles, in the words of each version."""

from typing import Any

import pytest

from reconciler.local.operations.charging import CompositeResult, ProfilesResult
from reconciler.local.operations.course import BadOrder, Heard, Left
from reconciler.model.operations import State
from tests.support.courses import SECOND_VERSIONS, VERSIONS, Play


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("purpose", ["station-max", "default", "transaction"])
def test_a_limit_is_set(version: str, purpose: str) -> None:
    given = {"limit": 16.04, "purpose": purpose, "duration_s": 3600}
    play = Play(version, "profile-set", given, facts={"transaction": "17"}).answer({"status": "Accepted"})
    assert play.end.state is State.SUCCEEDED
    profile: Any = play.last["csChargingProfiles" if version == "ocpp1.6" else "chargingProfile"]
    assert profile.get("transactionId") == ({"ocpp1.6": 17}.get(version, "17") if purpose == "transaction" else None)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_profile_of_a_transaction_needs_one(version: str) -> None:
    with pytest.raises(BadOrder, match="which transaction"):
        Play(version, "profile-set", {"limit": 6, "purpose": "transaction"})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "given", [{}, {"profile": 3}, {"purpose": "default", "connector": 1, "stack_level": 0}, {"connector": 0}]
)
def test_profiles_are_cleared_and_none_there_is_as_good(version: str, given: dict[str, Any]) -> None:
    assert Play(version, "profile-clear", given).answer({"status": "Unknown"}).end.state is State.SUCCEEDED
    assert Play(version, "profile-clear", given).answer({"status": "Odd"}).end.state is State.DECLINED


@pytest.mark.parametrize("version", SECOND_VERSIONS)
def test_profiles_are_put_together_from_their_reports(version: str) -> None:
    def part(profile: Any, *, more: bool, request_id: int = 7) -> Heard:
        said = {"requestId": request_id, "evseId": 1, "chargingProfile": profile, "tbc": more}
        return Heard("ReportChargingProfiles", said)

    play = Play(version, "profile-get", {"connector": 1}).answer({"status": "Accepted"})
    play.happens(part([{"id": 1}], more=True), part([{"id": 9}], more=False, request_id=8), Heard("Heartbeat", {}))
    play.happens(part([{"id": 2}, 5], more=False))
    assert play.end.result == ProfilesResult(
        status="Accepted", profiles=({"evseId": 1, "id": 1}, {"evseId": 1, "id": 2})
    )
    assert Play(version, "profile-get").answer({"status": "NoProfiles"}).end.result == ProfilesResult(
        status="NoProfiles"
    )
    broken = Play(version, "profile-get").answer({"status": "Accepted"}).happens(Left())
    assert broken.end.state is State.FAILED


@pytest.mark.parametrize("version", VERSIONS)
def test_the_composite_schedule_is_read(version: str) -> None:
    play = Play(version, "composite-schedule", {"connector": 1, "unit": "W"})
    play.answer({"status": "Accepted", "chargingSchedule" if version == "ocpp1.6" else "schedule": {"duration": 5}})
    assert play.end.result == CompositeResult(status="Accepted", schedule={"duration": 5})
