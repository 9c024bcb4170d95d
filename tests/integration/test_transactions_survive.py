"""Transactions outlive flips, absent owners and a killed relay, on real processes and sockets (R9, R11)."""

from pathlib import Path

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.server_process import ServerProcess

SITE = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: a}}
spec: {{url: "{a}", versions: [ocpp1.6], securityProfile: open, callTimeout: 6s, health: {{downAfter: {down_after}}}}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: b}}
spec: {{url: "{b}", versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp001}}
spec: {{identity: CP-001, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: all}}
spec:
  chargers: {{names: [cp001]}}
  whenOwnerIsDown: {policy}
  backends: [{{backend: a, role: {role_of_a}}}, {{backend: b, role: {role_of_b}}}]
"""


class Site:
    """One charger between two back-ends, on a server that can be killed."""

    def __init__(
        self, folder: Path, a: SimulatedCsms, b: SimulatedCsms, policy: str = "close", down: str = "1s"
    ) -> None:
        self.a, self.b, self.policy, self.down = a, b, policy, down
        self.file = folder / "site.yaml"
        self.data = folder / "data"
        self.server = ServerProcess(self.data)

    async def apply(self, role_of_a: str, role_of_b: str) -> None:
        """Apply these roles, and see that it worked."""
        roles = {"role_of_a": role_of_a, "role_of_b": role_of_b}
        text = SITE.format(a=self.a.url, b=self.b.url, policy=self.policy, down_after=self.down, **roles)
        self.file.write_text(text)
        await self.server.apply("-f", self.file)

    async def restart_after_kill(self) -> None:
        """Kill the server as a power cut would, and start it again on the same ports."""
        stations, admin = (url.rpartition("/")[2] for url in (self.server.stations_url, self.server.url))
        await self.server.kill()
        self.server = ServerProcess(self.data, "--stations", stations, "--admin", admin)
        await self.server.start()


@pytest.mark.slow
async def test_a_transaction_that_is_flipped_and_whose_relay_is_killed_stays_coherent_for_both(tmp_path: Path) -> None:
    async with (
        SimulatedCsms("a", ["ocpp1.6"], first_transaction_id=100) as a,
        SimulatedCsms("b", ["ocpp1.6"], first_transaction_id=900) as b,
    ):
        site = Site(tmp_path, a, b)
        await site.server.start()
        await site.apply("primary", "passive")
        station = SimulatedStation("CP-001", site.server.stations_url, "ocpp1.6", reconnect_after_s=0.2)
        async with station:
            await station.boot()
            await station.announce()
            charging = await station.start_transaction(1, "TAG")
            await station.meter(charging, 100)
            await b.wait_for("MeterValues", identity="CP-001")
            await site.apply("passive", "primary")
            await station.meter(charging, 200)
            await site.restart_after_kill()
            await station.wait_connected(timeout_s=15)
            await station.meter(charging, 300)
            await station.stop_transaction(charging)
            await b.until(lambda: b.transactions[900].stopped)
            await a.until(lambda: a.transactions[100].stopped)
        await site.server.stop()
        for csms, number in ((a, 100), (b, 900)):
            assert list(csms.transactions) == [number]
            assert csms.transactions[number].meter_wh == [100.0, 200.0, 300.0]
            assert csms.transactions[number].meter_stop_wh == 300
            assert [violation for violation in csms.violations if "transaction" in str(violation).lower()] == []


@pytest.mark.slow
async def test_what_was_acknowledged_for_an_absent_owner_survives_a_kill_and_arrives_once_in_order(
    tmp_path: Path,
) -> None:
    async with (
        SimulatedCsms("a", ["ocpp1.6"], first_transaction_id=100) as a,
        SimulatedCsms("b", ["ocpp1.6"], first_transaction_id=900) as b,
    ):
        site = Site(tmp_path, a, b, policy="buffer", down="1s")
        await site.server.start()
        await site.apply("primary", "passive")
        station = SimulatedStation("CP-001", site.server.stations_url, "ocpp1.6", reconnect_after_s=0.2)
        async with station:
            await station.boot()
            charging = await station.start_transaction(1, "TAG")
            await a.stop()
            await station.meter(charging, 100)
            await site.restart_after_kill()
            await station.wait_connected(timeout_s=15)
            await station.meter(charging, 200)
            await station.stop_transaction(charging)
            assert a.transactions[100].meter_wh == []
            await a.start()
            await a.until(lambda: a.transactions[100].stopped, timeout_s=30)
            await station.heartbeat()
        await site.server.stop()
        actions = [call.action for call in a.calls if call.action in ("MeterValues", "StopTransaction")]
        assert actions == ["MeterValues", "MeterValues", "StopTransaction"]
        assert a.transactions[100].meter_wh == [100.0, 200.0]


@pytest.mark.slow
async def test_with_close_the_stations_socket_reopens_when_its_owner_is_back(tmp_path: Path) -> None:
    async with (
        SimulatedCsms("a", ["ocpp1.6"]) as a,
        SimulatedCsms("b", ["ocpp1.6"]) as b,
    ):
        site = Site(tmp_path, a, b, policy="close", down="1s")
        await site.server.start()
        await site.apply("primary", "passive")
        async with SimulatedStation("CP-001", site.server.stations_url, "ocpp1.6", reconnect_after_s=0.2) as station:
            await station.boot()
            await a.stop()
            await station.wait_disconnected(1)
            await station.journal.bell.until(lambda: bool(station.failed_dials), timeout_s=15)
            await a.start()
            await station.wait_connected(timeout_s=15)
            assert await station.heartbeat()
            assert station.unexpected_disconnects[0].code == 1013
        await site.server.stop()
