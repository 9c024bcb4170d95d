"""A CSMS of the `ocpp` package orders on its own leg; websockets' own basic_auth judges the passwords (R13)."""

from typing import Any

import pytest
from websockets.asyncio.server import basic_auth

from reconciler.model.desired import SecretRef, Security
from reconciler.model.live import LegPhase
from tests.integration.relay.ocpp_package import PACKAGES, package_csms, package_station
from tests.integration.relay.support import until
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PRIMARY, Relay, backend, charger, relay

OLD, NEW = "the first password", "another_password:1"
SECURITY_CTRLR = {"component": {"name": "SecurityCtrlr"}}


class Passwords:
    """Who may come in now, and with what they came."""

    def __init__(self) -> None:
        self.right = OLD
        self.tried: list[str] = []

    def check(self, username: str, password: str) -> bool:
        """Judge."""
        self.tried.append(password)
        return (username, password) == ("CP1", self.right)


async def change_password(version: str, point: Any) -> str:
    call = PACKAGES[version].call
    if version == "ocpp1.6":
        return str((await point.call(call.ChangeConfiguration(key="AuthorizationKey", value=NEW))).status)
    item = {**SECURITY_CTRLR, "variable": {"name": "BasicAuthPassword"}, "attribute_value": NEW}
    answer = await point.call(call.SetVariables(set_variable_data=[item]))
    return str(answer.set_variable_result[0]["attribute_status"])


async def read_profile(version: str, point: Any) -> str:
    call = PACKAGES[version].call
    if version == "ocpp1.6":
        answer = await point.call(call.GetConfiguration(key=["SecurityProfile"]))
        return str(answer.configuration_key[0]["value"])
    item = {**SECURITY_CTRLR, "variable": {"name": "SecurityProfile"}}
    answer = await point.call(call.GetVariables(get_variable_data=[item]))
    return str(answer.get_variable_result[0]["attribute_value"])


async def certify(version: str, point: Any, authority: Authority) -> str:
    """Trigger a SignCertificate, and sign what comes."""
    call = PACKAGES[version].call
    if version == "ocpp1.6":
        trigger = call.ExtendedTriggerMessage(requested_message="SignChargePointCertificate")
    else:
        trigger = call.TriggerMessage(requested_message="SignChargingStationCertificate")
    assert (await point.call(trigger)).status == "Accepted"
    await until(lambda: any(action == "SignCertificate" for action, _ in point.seen))
    request = next(payload for action, payload in point.seen if action == "SignCertificate")["csr"]
    return str((await point.call(call.CertificateSigned(certificate_chain=authority.sign(request)))).status)


async def registered(running: Relay) -> None:
    await until(lambda: running.phase("cp1", "partner") is LegPhase.REGISTERED)


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_csms_of_the_ocpp_package_changes_its_password_reads_its_leg_and_signs_its_certificate(
    version: str,
) -> None:
    passwords, authority = Passwords(), Authority("partner's CA")
    judged = {"process_request": basic_auth(realm="csms", check_credentials=passwords.check)}
    async with package_csms(version, **judged) as (url, points), relay({"P": OLD.encode()}) as running:
        security = Security(profile=1, password=SecretRef("env", "P"))
        await running.run(charger("cp1", [(backend("partner", url, security=security), PRIMARY)]))
        async with package_station(version, running.url, "CP1") as station:
            assert all(answer is not None for answer in await station.live("TAG"))
            passwords.right = NEW
            assert await change_password(version, points[-1]) == "Accepted"
            await until(lambda: running.tally.counts.get(("leg_changes", "confirmed")) == 1)
            await registered(running)
            assert passwords.tried == [OLD, NEW]
            assert await read_profile(version, points[-1]) == "1"
            assert await certify(version, points[-1], authority) == "Accepted"
            (leg,) = running.live("cp1").legs
            assert leg.certificate_expires_s > 0
            assert all(answer is not None for answer in await station.live("TAG"))
        assert running.live("cp1").connections == 1
        assert running.tally.notes("malformed-frame") == running.tally.notes("stray-answer") == 0
