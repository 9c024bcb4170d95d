"""`fwdctl serve` with its TLS door: stations of profile 2 come in, certificates change on SIGHUP, nobody is dropped."""

import json
import os
import signal
import ssl
from pathlib import Path

from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.integration.websocket.certificates import Authority
from tests.support.server_process import ServerProcess, fwdctl

SITE = """
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: field}}
spec: {{profile: 2, password: {{fromFile: "passwords/{{identity}}"}}}}
---
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec: {{url: "{csms}", versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp001, labels: {{site: a}}}}
spec: {{identity: CP-001, versions: [ocpp1.6], securityProfile: field}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: a}}
spec: {{chargers: {{labels: {{site: a}}}}, backends: [{{backend: partner, role: primary}}]}}
"""
PASSWORD = b"\x00\xffbinary key\x00:16b"


async def test_stations_come_in_over_tls_and_certificates_change_under_them(tmp_path: Path) -> None:
    older, newer = Authority("older"), Authority("newer")
    certificate, key = older.server_files(tmp_path, "localhost")
    (tmp_path / "data" / "secrets" / "passwords").mkdir(parents=True)
    (tmp_path / "data" / "secrets" / "passwords" / "CP-001").write_bytes(PASSWORD)
    flags = ("--stations-tls", "127.0.0.1:0", "--tls-cert", str(certificate), "--tls-key", str(key))
    async with SimulatedCsms("csms") as csms, ServerProcess(tmp_path / "data", *flags) as server:
        url = json.loads((tmp_path / "data" / "serve.json").read_text())["stations_tls"].replace(
            "127.0.0.1", "localhost"
        )
        (tmp_path / "site.yaml").write_text(SITE.format(csms=csms.url))
        await server.apply("-f", tmp_path / "site.yaml")
        async with SimulatedStation("CP-001", url, password=PASSWORD, ssl=older.trusting()) as station:
            assert (await station.boot())["status"] == "Accepted"
            newer.server_files(tmp_path, "localhost")
            os.kill(server.pid, signal.SIGHUP)
            await _until_served(url, newer)
            assert await station.authorize("TAG") == "Accepted"
            assert station.unexpected_disconnects == []


async def _until_served(url: str, authority: Authority) -> None:
    """Connect until the certificate is the new CA's; a wrong password is enough to see it."""
    while True:
        try:
            await SimulatedStation("CP-001", url, password=b"wrong", ssl=authority.trusting()).connect()
        except HandshakeRefused:
            return
        except ssl.SSLError:
            continue


async def test_a_tls_door_without_a_certificate_is_refused(tmp_path: Path) -> None:
    refused = await fwdctl("serve", "--data", tmp_path / "data", "--stations-tls", "127.0.0.1:0")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "error: 0 --tls-cert and 0 --tls-key")
