"""Load management on real sockets: stations that obey their profiles, a partner's charger among them, a hand-over."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.app import load_control
from reconciler.local.load import allotments, balance
from reconciler.testing import SimulatedCsms, SimulatedStation
from reconciler.testing.waiting import Bell
from tests.support.fleet_of_nodes import let_in
from tests.support.server import Server, running_server

SITE = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec: {{url: "{partner}", versions: [ocpp2.0.1, ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp1, labels: {{site: a, of: us}}}}
spec: {{identity: CP-1, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp2, labels: {{site: a, of: us}}}}
spec: {{identity: CP-2, versions: [ocpp2.0.1], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp3, labels: {{site: a, of: partner}}}}
spec: {{identity: CP-3, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: ours}}
spec:
  chargers: {{labels: {{of: us}}}}
  backends: [{{backend: local, role: primary}}, {{backend: partner, role: passive}}]
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: theirs}}
spec:
  chargers: {{labels: {{of: partner}}}}
  backends: [{{backend: partner, role: primary}}, {{backend: local, role: passive}}]
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: local}}
spec: {{local: {{authorize: accept}}}}
"""
POLICY = """\
---
apiVersion: fwdctl/v1
kind: LoadPolicy
metadata: {name: cap}
spec: {chargers: {labels: {site: a}}, limitKw: 30, perChargerMaxKw: 22}
"""
LIMIT_W = 30_000.0


@dataclass
class Depot:
    """Three chargers of 22 kW behind a fuse of 30 kW."""

    server: Server
    stations: dict[str, SimulatedStation]
    folder: Path
    partner_url: str
    bell: Bell

    async def apply(self, text: str) -> str:
        """Apply the site and `text`, and return what was said."""
        file = self.folder / "site.yaml"
        file.write_text(SITE.format(partner=self.partner_url) + text)
        return (await self.server.apply("-f", file)).out

    def allowed_kw(self) -> dict[str, float | None]:
        """Return what each station's own profiles leave it."""
        found = {name: station.memory.allowed_w() for name, station in self.stations.items()}
        return {name: None if watts is None else watts / 1000 for name, watts in found.items()}

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true of what the stations were told."""
        await self.bell.until(true, 20.0, lambda: f"other limits than {self.allowed_kw()}")

    async def policy(self) -> dict[str, Any]:
        """Return how the policy stands, by the API."""
        async with httpx.AsyncClient(base_url=self.server.url) as api:
            (found,) = (await api.get("/v1/load-policies")).json()["load_policies"]
            return dict(found)


@asynccontextmanager
async def running_depot(folder: Path, store: str | None = None) -> AsyncIterator[Depot]:
    """Run it without a policy yet; over a `store` that two nodes share the one that acts has but the first station."""
    async with AsyncExitStack() as stack:
        partner = await stack.enter_async_context(SimulatedCsms("partner"))
        server = there = await stack.enter_async_context(running_server(folder / "data", store=store))
        if store is not None:
            there = await stack.enter_async_context(running_server(folder / "there", store=store))
        stations = {
            f"cp{number}": SimulatedStation(f"CP-{number}", node.stations_url, version)
            for number, node, version in ((1, server, "ocpp1.6"), (2, there, "ocpp2.0.1"), (3, there, "ocpp1.6"))
        }
        bell = Bell()
        for station in stations.values():
            station.journal.bell = bell
        depot = Depot(server, stations, folder, partner.url, bell)
        await depot.apply("")
        for station in stations.values():
            await stack.enter_async_context(let_in(station))
            await station.boot()
        yield depot


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look, share out, and take a lowered limit for followed, ten times as soon: these tests are about the order."""
    monkeypatch.setattr(load_control, "SAMPLE_S", 1.5)
    monkeypatch.setattr(balance, "SHARE_EVERY_S", 3.0)
    monkeypatch.setattr(allotments, "FOLLOW_S", 1.0)


@pytest.fixture
async def depot(tmp_path: Path) -> AsyncIterator[Depot]:
    """The depot at work, at one node."""
    async with running_depot(tmp_path) as depot:
        yield depot


@pytest.mark.slow
async def test_a_limit_is_kept_over_chargers_of_all_nodes(tmp_path: Path, postgres_url: str) -> None:
    async with running_depot(tmp_path, postgres_url) as depot:
        await depot.apply(POLICY)
        await depot.until(lambda: depot.allowed_kw() == {"cp1": 15.0, "cp2": 15.0, "cp3": None})
        await depot.stations["cp3"].start_transaction(
            1, "TAG"
        )  # at the other node, and the partner's: it counts with all
        await depot.until(lambda: sum(kw or 0 for kw in depot.allowed_kw().values()) <= 8.0)
        policy = await depot.policy()
        assert [one["counted_kw"] for one in policy["chargers"]][2] == 22.0
        toggled = await depot.server.fwdctl("toggle", "cp2", "--primary", "partner", "--reason", "test")
        assert toggled.code == 0, toggled.err
        await depot.until(lambda: depot.stations["cp2"].memory.profiles == {})  # by the relay, at that node
        assert not any(station.violations for station in depot.stations.values())


@pytest.mark.slow
async def test_a_limit_is_kept_over_starts_a_partners_charger_and_a_hand_over(depot: Depot) -> None:
    said = await depot.apply(POLICY)
    assert "load-policy.cap governs 2 chargers: cp1, cp2" in said
    assert "not 1 charger, partner owns smart-charging: cp3" in said
    await depot.until(lambda: depot.allowed_kw() == {"cp1": 15.0, "cp2": 15.0, "cp3": None})

    # A car comes to cp1: the idle cp2 leaves it the rest. Lowering is at once, raising once it was followed.
    first = await depot.stations["cp1"].start_transaction(1, "TAG")
    await depot.until(lambda: depot.allowed_kw()["cp2"] == 8.0)
    assert await depot.stations["cp1"].charge(first, 22_000, 60) == 15_000
    cp1 = (await depot.policy())["chargers"][0]
    assert (cp1["governed"], cp1["active"], cp1["limit_kw"]) == (True, True, 15.0)

    # A car comes to the partner's charger: nobody knows what it will draw, so it counts with all.
    theirs = await depot.stations["cp3"].start_transaction(1, "TAG")
    await depot.until(lambda: sum(kw or 0 for kw in depot.allowed_kw().values()) <= 8.0)
    assert depot.stations["cp3"].memory.profiles == {}
    await depot.stations["cp3"].charge(theirs, 22_000, 60)
    policy = await depot.policy()
    assert policy["chargers"][2]["why_not"] == "partner owns smart-charging"
    assert policy["chargers"][2]["counted_kw"] == 22.0
    shown = await depot.server.fwdctl("status")
    assert "of 30 kW may be drawn" in shown.out
    assert "1 not governed: partner owns smart-charging" in shown.out
    table = await depot.server.fwdctl("status", "load-policy.cap")
    assert "no: partner owns smart-charging" in table.out

    # Smart charging on cp2 becomes the partner's: its limit goes, through the relay (R14).
    assert depot.allowed_kw()["cp2"] is not None
    toggled = await depot.server.fwdctl("toggle", "cp2", "--primary", "partner", "--reason", "test")
    assert toggled.code == 0, toggled.err
    await depot.until(lambda: depot.stations["cp2"].memory.profiles == {})
    assert (await depot.policy())["chargers"][1]["limit_kw"] is None

    # Without the policy nothing of it stays.
    await depot.server.apply("-f", depot.folder / "site.yaml")
    (depot.folder / "site.yaml").write_text(SITE.format(partner=depot.partner_url))
    await depot.server.apply("--prune", "-f", depot.folder / "site.yaml")
    await depot.until(lambda: all(station.memory.profiles == {} for station in depot.stations.values()))
    kinds = (await depot.server.fwdctl("history", "--kind", "load-limit", "--json")).json["events"]
    assert "limits set" in kinds[0]["summary"]
    assert not any(station.violations for station in depot.stations.values())
