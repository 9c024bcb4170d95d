"""A client certificate that a back-end has signed for its leg is renewed by the relay, as by a charger (A02, R13)."""

from datetime import timedelta
from typing import Any

import pytest

from reconciler.app.order_entry import sign_anew
from tests.integration.relay.support import until
from tests.integration.relay.test_leg_orders import Scene, scene
from tests.integration.websocket.certificates import Authority
from tests.support.leg_desk import LegRows

CA = Authority("partner's CA")


def looks(there: Scene) -> None:
    """Do what the server does every few seconds."""
    node, desk = there.relay.node, there.relay.desk

    def sign(charger: str, backend: str) -> bool:
        slot = node.slot(charger)
        return sign_anew(desk, None if slot is None else slot.session, backend)

    desk.signings.look(sign)


async def signed(there: Scene, asked: int, expires_in: timedelta) -> dict[str, Any]:
    """Sign what the leg asks for, once it has asked so often."""
    request = await there.partner.wait_for("SignCertificate", count=asked)
    chain = CA.sign(request.payload["csr"], expires_in=expires_in)
    return await there.orders("CertificateSigned", {"certificateChain": chain})


def expires_s(there: Scene) -> float:
    return next(leg.certificate_expires_s for leg in there.relay.live("cp1").legs if leg.backend == "partner")


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_the_relay_asks_anew_before_it_expires_also_after_a_restart(version: str) -> None:
    legs = LegRows()
    old = version == "ocpp1.6"
    action = "ExtendedTriggerMessage" if old else "TriggerMessage"
    what = "SignChargePointCertificate" if old else "SignChargingStationCertificate"
    async with scene(version, legs) as there:
        assert (await there.orders(action, {"requestedMessage": what}))["status"] == "Accepted"
        assert (await signed(there, 1, timedelta(hours=1)))["status"] == "Accepted"
        there.untouched()
    async with scene(version, legs) as there:
        before = expires_s(there)
        looks(there)
        assert (await signed(there, 1, timedelta(days=90)))["status"] == "Accepted"
        await until(lambda: expires_s(there) > before)
        looks(there)
        there.untouched()
    async with scene(version, legs) as there:
        looks(there)
        await there.orders("GetConfiguration", {"key": ["SecurityProfile"]}) if old else None
        assert not [call for call in there.partner.calls if call.action == "SignCertificate"]
        there.untouched()
