"""A back-end raises its leg from security profile 1 to 2 to 3 while the station stays on its own, untouched (R13)."""

import base64
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.app.order_entry import sign_anew
from reconciler.model.desired import SecretRef, Security
from reconciler.model.live import LegPhase
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.relay.support import station, until
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

PASSWORD = "the first password"
BASIC = "Basic " + base64.b64encode(f"CP1:{PASSWORD}".encode()).decode()
SECURITY = Security(profile=1, password=SecretRef("env", "P"), trusted_ca=SecretRef("file", "CA"))
VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


@dataclass
class Partner:
    """A back-end with a door for each security profile, and the relay's leg to it."""

    version: str
    authority: Authority
    doors: dict[int, SimulatedCsms]
    relay: Relay
    station: SimulatedStation
    tls: ssl.SSLContext
    """What the doors for profile 2 show."""

    async def orders(self, door: int, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Order something on the leg, by the door through which it is connected."""
        await self.doors[door].wait_connected("CP1")
        return await self.doors[door].call("CP1", action, payload)

    async def raises(self, door: int, profile: int) -> str:
        """Order another security profile as this version does; return the first answer that is no yes."""
        if self.version == "ocpp1.6":
            asked = {"key": "SecurityProfile", "value": str(profile)}
            return str((await self.orders(door, "ChangeConfiguration", asked))["status"])
        data = {
            "ocppVersion": "OCPP20",
            "ocppTransport": "JSON",
            "ocppCsmsUrl": self.doors[profile].url,
            "messageTimeout": 30,
            "securityProfile": profile,
            "ocppInterface": "Wired0",
        }
        slot = await self.orders(door, "SetNetworkProfile", {"configurationSlot": profile, "connectionData": data})
        if slot["status"] != "Accepted":
            return str(slot["status"])
        priority = {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": "NetworkConfigurationPriority"},
            "attributeValue": str(profile),
        }
        answer = await self.orders(door, "SetVariables", {"setVariableData": [priority]})
        assert answer["setVariableResult"][0]["attributeStatus"] == "RebootRequired"
        return str((await self.orders(door, "Reset", {"type": "Immediate"}))["status"])

    async def certifies(self, door: int) -> None:
        """Have the leg ask for a certificate, and sign it."""
        if self.version == "ocpp1.6":
            action, what = "ExtendedTriggerMessage", "SignChargePointCertificate"
        else:
            action, what = "TriggerMessage", "SignChargingStationCertificate"
        before = len(self.doors[door].calls)
        assert (await self.orders(door, action, {"requestedMessage": what}))["status"] == "Accepted"
        asked = await self.doors[door].wait_for("SignCertificate", after=before)
        answer = await self.orders(
            door, "CertificateSigned", {"certificateChain": self.authority.sign(asked.payload["csr"])}
        )
        assert answer["status"] == "Accepted"

    async def settled(self, outcome: str, times: int) -> None:
        """Wait until so many changes have ended like this."""
        counts = self.relay.tally.counts
        await until(lambda: counts.get(("leg_changes", outcome), 0) == times, what=f"{times} changes {outcome}")
        await until(lambda: self.relay.phase("cp1", "partner") is LegPhase.REGISTERED)

    def untouched(self) -> None:
        """Fail where the station lost its connection, got a command, or anybody broke a rule."""
        assert self.station.disconnects == []
        assert self.station.commands == []
        assert self.station.violations == []
        assert [door.violations for door in self.doors.values()] == [[], [], []]


@asynccontextmanager
async def partner(version: str, folder: Path) -> AsyncIterator[Partner]:
    authority = Authority("partner's CA")
    mutual, either = (authority.server_context(folder, "127.0.0.1", verify_clients=True) for _ in range(2))
    either.verify_mode = ssl.CERT_OPTIONAL  # one door for profiles 2 and 3, as 1.6 knows one address only
    secrets = {"P": PASSWORD.encode(), "CA": authority.pem}
    async with AsyncExitStack() as stack:
        doors = {
            1: SimulatedCsms("1", password=PASSWORD),
            2: SimulatedCsms("2", password=PASSWORD, ssl=either),
            3: SimulatedCsms("3", ssl=mutual),
        }
        for door in doors.values():
            door.books.transactions = doors[1].books.transactions  # one back-end behind three doors
            await stack.enter_async_context(door)
        home = await stack.enter_async_context(SimulatedCsms("home"))
        running = await stack.enter_async_context(relay(secrets))
        there = backend("partner", doors[1].url, security=SECURITY, tls_url=doors[2].url)
        await running.run(charger("cp1", [(there, PASSIVE), (backend("home", home.url), PRIMARY)]))
        connected = await stack.enter_async_context(station(running, version))
        await connected.boot()
        await until(lambda: running.phase("cp1", "partner") is LegPhase.REGISTERED)
        yield Partner(version, authority, doors, running, connected, either)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_back_end_raises_its_leg_from_profile_1_to_2_to_3(version: str, tmp_path: Path) -> None:
    last = 2 if version == "ocpp1.6" else 3
    async with partner(version, tmp_path) as there:
        transaction = await there.station.start_transaction(1, "TAG")
        assert await there.raises(1, 2) == "Accepted"
        await there.settled("confirmed", 1)
        assert [seen.authorization for seen in there.doors[2].connections] == [BASIC]
        assert await there.raises(2, 3) == "Rejected"  # it has no certificate yet
        await there.certifies(2)
        there.doors[last].password = None
        assert await there.raises(2, 3) == "Accepted"
        await there.settled("confirmed", 2)
        shown = there.doors[last].connections[-1]
        assert (shown.certificate_name, shown.authorization) == ("CP1", None)
        (leg,) = [leg for leg in there.relay.live("cp1").legs if leg.backend == "partner"]
        assert abs(leg.certificate_expires_s - time.time() - 86_400) < 600
        assert await there.raises(last, 2) == await there.raises(last, 1) == "Rejected"  # never down
        await there.station.stop_transaction(transaction)
        there.untouched()


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_certificate_in_use_that_is_renewed_is_shown_at_once(version: str, tmp_path: Path) -> None:
    last = 2 if version == "ocpp1.6" else 3
    async with partner(version, tmp_path) as there:
        assert await there.raises(1, 2) == "Accepted"
        await there.settled("confirmed", 1)
        await there.certifies(2)
        there.doors[last].password = None
        assert await there.raises(2, 3) == "Accepted"
        await there.settled("confirmed", 2)
        door, before = there.doors[last], len(there.doors[last].connections)
        asked = [call.action for call in door.calls].count("SignCertificate")
        slot = there.relay.node.slot("cp1")
        assert slot is not None
        assert sign_anew(there.relay.desk, slot.session, "partner")  # as it does once the old one nears its end
        request = await door.wait_for("SignCertificate", count=asked + 1)
        chain = there.authority.sign(request.payload["csr"])
        answer = await there.orders(last, "CertificateSigned", {"certificateChain": chain})
        assert answer["status"] == "Accepted"
        await there.settled("confirmed", 3)
        shown = door.connections[-1]
        assert len(door.connections) == before + 1
        assert (shown.certificate_name, shown.authorization) == ("CP1", None)
        there.untouched()


@pytest.mark.parametrize("version", VERSIONS)
async def test_where_the_higher_profile_does_not_work_the_leg_comes_back(version: str, tmp_path: Path) -> None:
    async with partner(version, tmp_path) as there:
        there.doors[2].manners.refuse_status = 403
        assert await there.raises(1, 2) == "Accepted"
        await there.settled("failed", 1)
        assert [seen.status for seen in there.doors[2].connections] == [403] * 3
        assert [seen.authorization for seen in there.doors[1].connections] == [BASIC] * 2
        there.untouched()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_certificate_that_was_not_asked_for_or_is_another_s_is_rejected(version: str, tmp_path: Path) -> None:
    async with partner(version, tmp_path) as there:
        stranger, _ = there.authority.issue("CP1")
        unasked = await there.orders(1, "CertificateSigned", {"certificateChain": stranger.decode()})
        assert unasked["status"] == "Rejected"
        await there.certifies(1)
        again = await there.orders(1, "CertificateSigned", {"certificateChain": stranger.decode()})
        assert again["status"] == "Rejected"
        there.untouched()


async def test_a_reset_that_completes_no_change_is_the_station_s(tmp_path: Path) -> None:
    async with partner("ocpp2.0.1", tmp_path) as there:
        answer = await there.orders(1, "Reset", {"type": "Immediate"})
        assert answer["status"] == "Rejected"  # it owns nothing here
        assert len(there.doors[1].connections) == 1


async def test_the_address_stays_with_the_host_that_the_spec_names(tmp_path: Path) -> None:
    async with partner("ocpp2.1", tmp_path) as there:
        there.doors[2].host = "localhost"  # the same machine by another name is another host
        assert await there.raises(1, 2) == "Rejected"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_root_that_the_old_one_signed_is_installed_listed_and_deleted(version: str, tmp_path: Path) -> None:
    kind = "CentralSystemRootCertificate" if version == "ocpp1.6" else "CSMSRootCertificate"
    listing = {"certificateType": kind if version == "ocpp1.6" else [kind]}
    async with partner(version, tmp_path) as there:

        async def installs(root: str) -> str:
            answer = await there.orders(1, "InstallCertificate", {"certificateType": kind, "certificate": root})
            return str(answer["status"])

        async def listed() -> list[dict[str, str]]:
            answer = await there.orders(1, "GetInstalledCertificateIds", listing)
            found = answer.get("certificateHashData") or answer.get("certificateHashDataChain") or []
            return [each.get("certificateHashData", each) for each in found]

        assert await installs(Authority("a stranger's").pem.decode()) == "Rejected"
        assert len(await listed()) == 1
        assert await installs(there.authority.root("the next one")) == "Accepted"
        (_, new) = await listed()
        assert (await there.orders(1, "DeleteCertificate", {"certificateHashData": new}))["status"] == "Accepted"
        (declared,) = await listed()
        assert (await there.orders(1, "DeleteCertificate", {"certificateHashData": declared}))["status"] == "Failed"
        there.untouched()


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_the_old_root_is_trusted_until_a_connection_was_made_with_the_new_one(
    version: str, tmp_path: Path
) -> None:
    kind = "CentralSystemRootCertificate" if version == "ocpp1.6" else "CSMSRootCertificate"
    async with partner(version, tmp_path) as there:
        new, door = Authority("partner's next CA", signed_by=there.authority), there.doors[2]
        shown = {"old": there.authority, "new": new}

        async def restarts_with(which: str) -> None:
            path = tmp_path / f"{which}.pem"
            path.write_bytes(b"".join(shown[which].issue("127.0.0.1")))
            there.tls.load_cert_chain(path)
            await door.drop("CP1", 1012, "restarting")

        async def connected_again(times: int) -> None:
            await until(lambda: len(door.connections) == times)
            await until(lambda: there.relay.phase("cp1", "partner") is LegPhase.REGISTERED)

        def retired() -> int:
            return there.relay.tally.counts.get(("leg_changes", "roots-retired"), 0)

        assert await there.raises(1, 2) == "Accepted"
        await there.settled("confirmed", 1)
        order = {"certificateType": kind, "certificate": new.pem.decode()}
        assert (await there.orders(2, "InstallCertificate", order))["status"] == "Accepted"
        await restarts_with("old")
        await connected_again(2)
        assert retired() == 0
        await restarts_with("new")
        await connected_again(3)
        assert retired() == 1

        await restarts_with("old")
        await until(lambda: there.relay.phase("cp1", "partner") is LegPhase.DOWN)
        refused = "signed by a CA that is not trusted"
        await until(lambda: any(refused in leg.detail for leg in there.relay.live("cp1").legs))
        assert len(door.connections) == 3
        there.untouched()


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_read_back_is_the_leg_s_and_never_a_password(version: str, tmp_path: Path) -> None:
    async with partner(version, tmp_path) as there:
        await there.raises(1, 2)
        await there.settled("confirmed", 1)
        if version == "ocpp1.6":
            answer = await there.orders(2, "GetConfiguration", {"key": ["SecurityProfile", "AuthorizationKey"]})
            values = {each["key"]: each.get("value") for each in answer["configurationKey"]}
            assert values == {"SecurityProfile": "2", "AuthorizationKey": None}
        else:
            component = {"name": "SecurityCtrlr"}
            names = ("SecurityProfile", "BasicAuthPassword")
            asked = [{"component": component, "variable": {"name": name}} for name in names]
            answer = await there.orders(2, "GetVariables", {"getVariableData": asked})
            profile, password = answer["getVariableResult"]
            assert (profile["attributeStatus"], profile["attributeValue"]) == ("Accepted", "2")
            assert (password["attributeStatus"], password.get("attributeValue")) == ("Rejected", None)
        there.untouched()
