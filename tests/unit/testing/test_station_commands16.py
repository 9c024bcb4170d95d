"""Commands that only OCPP 1.6 has."""

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation


async def test_configuration_is_listed_without_secrets_and_changed_where_it_may_be(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, connectors=2):
        await csms.wait_connected("A")
        keys = {"key": ["NumberOfConnectors", "AuthorizationKey", "Nonsense"]}
        assert await csms.call("A", "GetConfiguration", keys) == {
            "configurationKey": [
                {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
                {"key": "AuthorizationKey", "readonly": False},
            ],
            "unknownKey": ["Nonsense"],
        }
        for key, status in (
            ("HeartbeatInterval", "Accepted"),
            ("NumberOfConnectors", "Rejected"),
            ("Nonsense", "NotSupported"),
        ):
            assert await csms.call("A", "ChangeConfiguration", {"key": key, "value": "60"}) == {"status": status}
        every = await csms.call("A", "GetConfiguration", {})
        assert {"key": "HeartbeatInterval", "readonly": False, "value": "60"} in every["configurationKey"]
    assert csms.violations == []


@pytest.mark.parametrize(
    ("message", "status"), [("LogStatusNotification", "Accepted"), ("SignChargePointCertificate", "NotImplemented")]
)
async def test_the_security_extension_can_trigger_too(csms: SimulatedCsms, message: str, status: str) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await csms.wait_connected("A")
        assert await csms.call("A", "ExtendedTriggerMessage", {"requestedMessage": message}) == {"status": status}
        await station.settle()
    assert [call.action for call in csms.calls] == ([message] if status == "Accepted" else [])


async def test_diagnostics_are_named_and_then_reported(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, serial="S-1") as station:
        await csms.wait_connected("A")
        assert await csms.call("A", "GetDiagnostics", {"location": "ftp://x"}) == {"fileName": "S-1.log"}
        await station.settle()
    assert (csms.calls[0].action, csms.calls[0].payload) == ("DiagnosticsStatusNotification", {"status": "Uploaded"})


async def test_profiles_can_be_cleared_by_purpose(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await csms.wait_connected("A")
        station.memory.profiles[1] = {"charging_profile_purpose": "TxDefaultProfile"}
        station.memory.profiles[2] = {"charging_profile_purpose": "ChargePointMaxProfile"}
        await csms.call("A", "ClearChargingProfile", {"chargingProfilePurpose": "TxDefaultProfile"})
        assert set(station.memory.profiles) == {2}
