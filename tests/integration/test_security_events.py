"""Security events end to end: what the relay notices and what stations report is counted, and in history once."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.support.server import running_server

SITE = """
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: field}}
spec: {{profile: 1, password: {{fromFile: word}}}}
---
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec: {{url: "{url}", versions: [ocpp1.6, ocpp2.0.1], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp1}}
spec: {{identity: CP1, versions: [ocpp1.6, ocpp2.0.1], securityProfile: field}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: all}}
spec: {{chargers: {{names: ["*"]}}, backends: [{{backend: partner, role: primary}}]}}
"""
REPORT = {"type": "TamperDetectionActivated", "timestamp": "2026-12-01T02:00:00Z", "techInfo": "lid open"}


async def security_events(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Return what is in history by now."""
    found: list[dict[str, Any]] = (await api.get("/v1/history", params={"kind": "security-event"})).json()["events"]
    return found


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_the_relay_s_own_events_and_the_stations_are_in_history(tmp_path: Path, version: str) -> None:
    data, site = tmp_path / "data", tmp_path / "site.yaml"
    (data / "secrets").mkdir(parents=True)
    (data / "secrets" / "word").write_text("the right one, long enough")
    async with SimulatedCsms("partner") as partner:
        site.write_text(SITE.format(url=partner.url))
        async with running_server(data) as server:
            await server.apply("-f", site)
            for _ in range(5):
                with pytest.raises(HandshakeRefused):
                    await SimulatedStation("CP1", server.stations_url, password=b"wrong").connect()
            with pytest.raises(HandshakeRefused):
                await SimulatedStation("CP9", server.stations_url).connect()
            right = {"password": b"the right one, long enough", "version": version}
            async with SimulatedStation("CP1", server.stations_url, **right) as station:
                await station.boot()
                await station.call("SecurityEventNotification", REPORT)
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as api:
                await api.get("/v1/status", headers={"Authorization": "Bearer wrong"})
                async with asyncio.timeout(10):  # history is written behind
                    while len(events := await security_events(api)) < 4:
                        pass
                metrics = (await api.get("/metrics")).text
    found = {(event["details"]["event"], event["charger"] or "") for event in events}
    assert found == {
        ("failed-login", "cp1"),
        ("unknown-station", ""),
        ("station-reported", "cp1"),
        ("admin-login-failed", ""),
    }
    assert len(events) == 4
    assert any("TamperDetectionActivated: lid open" in event["summary"] for event in events)
    assert 'fwdctl_security_events_total{event="failed-login"} 5.0' in metrics
    assert "long enough" not in str(events)
