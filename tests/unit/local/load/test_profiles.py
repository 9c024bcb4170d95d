"""Profiles are what each version's schema and rules ask for."""

import json

import pytest

from reconciler.local.load.profiles import PROFILE_ID, PURPOSES, clear_foreign, clear_limit, set_limit
from tests.support.clock import EPOCH
from tests.support.ocpp_schemas import faults

VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_fits_its_schema(version: str) -> None:
    for action, payload in (set_limit(version, 11_050, EPOCH), clear_limit(version), clear_foreign(version)):
        assert not faults(version, action, "request", payload)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_limit_is_of_the_whole_station_has_begun_and_has_no_end(version: str) -> None:
    _, payload = set_limit(version, 11_050, EPOCH)
    where = payload["connectorId"] if version == "ocpp1.6" else payload["evseId"]
    text = json.dumps(payload)
    assert where == 0
    assert any(purpose in text for purpose in PURPOSES)
    assert '"Absolute"' in text
    assert '"startSchedule": "2026-11-30T02:00:00Z"' in text
    assert '"limit": 11050.0' in text
    assert "duration" not in text
    assert str(PROFILE_ID) in json.dumps(clear_limit(version)[1])


def test_amperes_are_for_each_of_three_phases_and_rounded_down() -> None:
    _, payload = set_limit("ocpp1.6", 11_000, EPOCH, amperes_at_v=230.0)
    schedule = payload["csChargingProfiles"]["chargingSchedule"]
    assert (schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"][0]["limit"]) == ("A", 15.9)
