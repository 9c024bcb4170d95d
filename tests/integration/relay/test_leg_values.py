"""A back-end that reads everything reads the security of its own leg, not the station's (R13)."""

from typing import Any

import pytest

from reconciler.testing.station_memory import Setting
from tests.integration.relay.test_leg_orders import NEW, Scene, scene, set_password
from tests.support.relay import PRIMARY

STATIONS_OWN = "the station's password"


def settle(there: Scene, version: str) -> None:
    """Give the station security of its own, another than the leg's."""
    names = {
        "ocpp1.6": ("SecurityProfile", "CpoName", "AuthorizationKey"),
        "ocpp2.0.1": (
            "SecurityCtrlr.SecurityProfile",
            "SecurityCtrlr.OrganizationName",
            "SecurityCtrlr.BasicAuthPassword",
        ),
    }
    profile, organization, password = names["ocpp1.6" if version == "ocpp1.6" else "ocpp2.0.1"]
    there.station.memory.settings |= {
        profile: Setting("3", readonly=True),
        organization: Setting("The relay's operator"),
        password: Setting(STATIONS_OWN),  # one that shows it to whoever asks
    }


def set_organization(version: str) -> tuple[str, dict[str, Any]]:
    if version == "ocpp1.6":
        return "ChangeConfiguration", {"key": "CpoName", "value": "Partner CPO"}
    where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "OrganizationName"}}
    return "SetVariables", {"setVariableData": [{**where, "attributeValue": "Partner CPO"}]}


def reports(there: Scene) -> list[dict[str, Any]]:
    return [call.payload for call in there.partner.calls if call.action == "NotifyReport"]


async def everything(there: Scene, version: str) -> dict[str, Any]:
    """Return all configuration as the partner reads it: by key, or by component and variable."""
    if version == "ocpp1.6":
        answer = await there.orders("GetConfiguration", {})
        return {each["key"]: each.get("value") for each in answer["configurationKey"]}
    partner, before = there.partner, len(reports(there))
    assert await there.orders("GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"}) == {
        "status": "Accepted"
    }
    await partner.until(lambda: len(reports(there)) > before)
    report = reports(there)[-1]
    return {
        f"{each['component']['name']}.{each['variable']['name']}": each["variableAttribute"][0].get("value")
        for each in report["reportData"]
    }


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_whole_configuration_shows_a_back_end_its_own_leg(version: str) -> None:
    async with scene(version, role=PRIMARY) as there:
        settle(there, version)
        station_knows = {name: each.value for name, each in there.station.memory.settings.items()}
        prefix = "" if version == "ocpp1.6" else "SecurityCtrlr."
        organization = "CpoName" if version == "ocpp1.6" else "SecurityCtrlr.OrganizationName"
        password = "AuthorizationKey" if version == "ocpp1.6" else "SecurityCtrlr.BasicAuthPassword"

        there.partner.password = NEW
        await there.orders(*set_organization(version))
        await there.orders(*set_password(version, NEW))
        await there.settled("confirmed")

        read = await everything(there, version)
        assert read.pop(f"{prefix}SecurityProfile") == "1"
        assert read.pop(organization) == "Partner CPO"
        assert read.pop(password, None) is None
        assert STATIONS_OWN not in str(read)
        shown = {name: value for name, value in read.items() if value is not None}
        assert {name: station_knows[name] for name in shown} == shown
        assert len(shown) > 3  # what is the station's is all there
        assert there.station.disconnects == there.partner.violations == there.station.violations == []


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp2.1"])
async def test_variables_of_the_leg_among_others_are_the_leg_s(version: str) -> None:
    async with scene(version, role=PRIMARY) as there:
        settle(there, version)
        asked = [
            {"component": {"name": component}, "variable": {"name": variable}}
            for component, variable in (
                ("OCPPCommCtrlr", "HeartbeatInterval"),
                ("SecurityCtrlr", "SecurityProfile"),
                ("SecurityCtrlr", "BasicAuthPassword"),
            )
        ]
        answer = await there.orders("GetVariables", {"getVariableData": asked})
        heartbeat, profile, password = answer["getVariableResult"]
        assert heartbeat["attributeStatus"] == "Accepted"
        assert profile["attributeValue"] == "1"
        assert (password["attributeStatus"], password.get("attributeValue")) == ("Rejected", None)
        assert there.partner.violations == there.station.violations == []
