"""What a back-end sets on its leg counts on every node: a station that moves has its leg's credentials there (R13)."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.websocket.certificates import Authority
from tests.support.fleet_of_nodes import until_seen
from tests.support.server import Server, running_server

OLD, NEW = "the first password", "another_password:1"
SITE = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: basic}}
spec: {{profile: 1, password: {{fromFile: partner}}, trustedCa: {{fromFile: ca.pem}}}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec: {{url: "{plain}", tlsUrl: "{tls}", versions: [ocpp1.6], securityProfile: basic}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: home}}
spec: {{url: "{home}", versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp1}}
spec: {{identity: CP1, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: all}}
spec:
  chargers: {{names: ["*"]}}
  backends: [{{backend: partner, role: {partner_is}}}, {{backend: home, role: {home_is}}}]
"""


@dataclass
class Fleet:
    """Two nodes, and a back-end with one door for profile 1 and one for 2 and 3."""

    a: Server
    b: Server
    plain: SimulatedCsms
    tls: SimulatedCsms
    authority: Authority
    site: Path
    names: dict[str, str]

    def write(self, partner: str = "passive", home: str = "primary") -> Path:
        """Write the specs."""
        self.site.write_text(SITE.format(**self.names, partner_is=partner, home_is=home))
        return self.site

    async def orders(self, door: SimulatedCsms, action: str, payload: dict[str, Any]) -> str:
        """Have the back-end order something on its leg; return the status."""
        await door.wait_connected("CP1")
        return str((await door.call("CP1", action, payload))["status"])

    async def says(self, node: Server, *words: str) -> str:
        """Wait until `fwdctl status` of the charger says all of this there, and return it."""
        said = ""
        async with asyncio.timeout(20):
            while not said or not all(word in said for word in words):
                said = (await node.fwdctl("status", "charger.cp1")).out
        return said

    @asynccontextmanager
    async def station(self, node: Server) -> AsyncIterator[None]:
        """Connect the station to a node until the leg to the back-end is registered."""
        async with SimulatedStation("CP1", node.stations_url, "ocpp1.6") as station:
            await station.boot()
            await until_seen(node, lambda seen: _phase(seen.chargers["cp1"]) == "registered")
            yield
            assert station.commands == station.violations == []


def _phase(live: Any) -> str:
    legs = {leg["backend"]: str(leg["phase"]) for leg in live.get("legs", ())}
    return legs.get("partner", "")


@pytest.fixture
async def fleet(tmp_path: Path, postgres_url: str) -> AsyncIterator[Fleet]:
    """Run it: the nodes share database and encryption keys, and have the same secrets."""
    authority = Authority("partner's CA")
    key = tmp_path / "encryption-key"
    key.touch(mode=0o600)
    key.write_bytes(base64.b64encode(os.urandom(32)))
    for name in ("a", "b"):
        secrets = tmp_path / name / "secrets"
        secrets.mkdir(parents=True)
        (secrets / "partner").write_text(OLD)
        (secrets / "ca.pem").write_bytes(authority.pem)
    context = authority.server_context(tmp_path, "127.0.0.1", verify_clients=True)
    context.verify_mode = ssl.CERT_OPTIONAL
    shared = {"store": postgres_url, "encryption_key_file": key}
    async with (
        SimulatedCsms("plain", password=OLD) as plain,
        SimulatedCsms("tls", password=NEW, ssl=context) as tls,
        SimulatedCsms("home") as home,
        running_server(tmp_path / "a", **shared) as a,
        running_server(tmp_path / "b", **shared) as b,
    ):
        names = {"plain": plain.url, "tls": tls.url, "home": home.url}
        yield Fleet(a, b, plain, tls, authority, tmp_path / "site.yaml", names)


@pytest.mark.slow
async def test_password_profile_and_certificate_follow_the_station_to_another_node(fleet: Fleet) -> None:
    await fleet.a.apply("-f", fleet.write())
    await until_seen(fleet.b, lambda seen: "cp1" in seen.chargers)
    async with fleet.station(fleet.a):
        fleet.plain.password = NEW
        key = {"key": "AuthorizationKey", "value": NEW}
        assert await fleet.orders(fleet.plain, "ChangeConfiguration", key) == "Accepted"
        said = await fleet.says(
            fleet.a, "password changed by partner", "(rotation 1): ", "partner: passive, registered"
        )
        assert NEW not in said

    async with fleet.station(fleet.b):
        assert [_password(seen.authorization) for seen in fleet.plain.connections] == [OLD, NEW, NEW]
        for profile in (2, 3):
            door = fleet.plain if profile == 2 else fleet.tls
            if profile == 3:
                await _certified(fleet)
                fleet.tls.password = None
            assert await fleet.orders(door, "ChangeConfiguration", _raised(profile)) == "Accepted"
            await fleet.says(fleet.b, "profile changed by partner on 2", f"(rotation {profile - 1}): {profile}")
        assert _shown(fleet.tls) == ("CP1", None)

    async with fleet.station(fleet.a):
        assert len(fleet.plain.connections) == 3
        assert [_name(seen) for seen in fleet.tls.connections][-2:] == ["CP1", "CP1"]
        await fleet.says(fleet.a, "certificate changed by partner", "(rotation 2): 3")
        planned = await fleet.a.fwdctl("plan", "-f", fleet.write("primary", "passive"))
        assert (
            "what partner has set on its own leg counts over the specs there: cp1 (password changed by" in planned.out
        )
        assert "to go back" in planned.out
        assert NEW not in planned.out


async def _certified(fleet: Fleet) -> None:
    """Have the leg ask for a certificate, and sign it."""
    what = {"requestedMessage": "SignChargePointCertificate"}
    assert await fleet.orders(fleet.tls, "ExtendedTriggerMessage", what) == "Accepted"
    asked = await fleet.tls.wait_for("SignCertificate")
    chain = fleet.authority.sign(asked.payload["csr"])
    assert await fleet.orders(fleet.tls, "CertificateSigned", {"certificateChain": chain}) == "Accepted"


def _raised(profile: int) -> dict[str, str]:
    return {"key": "SecurityProfile", "value": str(profile)}


def _password(authorization: str | None) -> str:
    assert authorization is not None
    return base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")[2]


def _shown(door: SimulatedCsms) -> tuple[str, str | None]:
    last = door.connections[-1]
    return _name(last), last.authorization


def _name(seen: Any) -> str:
    return str(seen.certificate_name)
