"""What a station knows about itself."""

import pytest

from reconciler.testing.station_memory import Connector, StationMemory, Transaction, default_settings


def memory(connectors: int = 2) -> StationMemory:
    return StationMemory("A", "v", "m", "s", "f", {n: Connector() for n in range(1, connectors + 1)}, {})


def test_a_free_connector_is_operative_and_without_a_transaction() -> None:
    station = memory()
    assert station.free_connector(None) == 1
    assert station.free_connector(0) == 1
    assert station.free_connector(2) == 2
    assert station.free_connector(3) is None
    station.connectors[1].operative = False
    station.transactions[2] = Transaction(2, "T", 7, 0, 0)
    assert station.free_connector(None) is None


def test_a_running_transaction_is_found_by_its_id() -> None:
    station = memory()
    running = station.transactions[1] = Transaction(1, "T", 7, 0, 0)
    assert station.transaction(7) is running
    assert station.transaction("7") is None
    assert station.transaction(None) is None


@pytest.mark.parametrize(("version", "key"), [("1.6", "NumberOfConnectors"), ("2.1", "SecurityCtrlr.SecurityProfile")])
def test_settings_are_those_of_the_version(version: str, key: str) -> None:
    assert default_settings(version, 3)[key].readonly


def test_profiles_leave_the_lowest_of_what_each_purpose_says() -> None:
    def profile(purpose: str, level: int, limit: float, unit: str = "W") -> dict[str, object]:
        schedule = {"charging_rate_unit": unit, "charging_schedule_period": [{"start_period": 0, "limit": limit}]}
        return {"charging_profile_purpose": purpose, "stack_level": level, "charging_schedule": schedule}

    station = memory()
    assert station.allowed_w() is None
    station.profiles[1] = profile("ChargePointMaxProfile", 0, 11_000)
    station.profiles[2] = profile("ChargePointMaxProfile", 3, 22_000)
    assert station.allowed_w() == 22_000
    station.profiles[3] = profile("TxDefaultProfile", 0, 16, "A")
    assert station.allowed_w() == 16 * 3 * 230
