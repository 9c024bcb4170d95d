"""Drift on real sockets: a session that nobody asked to be so is shown field by field, and healed unless paused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from reconciler.app.node import RelayNode
from reconciler.app.world import World
from reconciler.cli import composition
from reconciler.model.live import Ack
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.depot_specs import depot_specs
from tests.support.server import Server, running_server

HEALED_WITHIN_S = 30.0


@dataclass
class Depot:
    """One charger, connected and owned by partner; `node` is the relay under the server."""

    server: Server
    node: RelayNode
    partner: SimulatedCsms
    folder: Path

    async def apply(self, reconcile: str) -> None:
        """Apply the site with the binding active or paused."""
        file = self.folder / f"{reconcile}.yaml"
        roles = {"partner": "primary", "local": "passive"}
        file.write_text(depot_specs({"partner": self.partner.url}, roles, reconcile=reconcile))
        await self.server.apply("-f", file)

    async def change_directly(self) -> None:
        """Give everything to local behind the controller's back, as a change made to the relay itself would."""
        slot = self.node.slot("cp001")
        assert slot is not None
        local = dict.fromkeys(slot.desired.owners, "local")
        changed = replace(slot.desired, owners=local, because="a change by hand")
        outcome = await self.node.set_desired("cp001", self.node.live()["cp001"].generation + 1, changed)
        assert isinstance(outcome, Ack)

    async def drift(self) -> Any:
        """Return what `drift --json` prints."""
        return (await self.server.fwdctl("drift", "--json")).json

    async def until_healed(self) -> None:
        """Wait until nothing differs."""
        async with asyncio.timeout(HEALED_WITHIN_S):
            while (await self.drift())["exit_code"] != 0:  # noqa: ASYNC110 - the server is asked from outside
                await asyncio.sleep(0.2)

    async def until_metrics_say(self, line: str) -> None:
        """Wait until Prometheus would read this line: the gauge is of the controller's last look."""
        async with asyncio.timeout(20):
            while line not in await self.metrics():  # noqa: ASYNC110 - the server is asked from outside
                await asyncio.sleep(0.2)

    async def metrics(self) -> str:
        """Return what Prometheus would read."""
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.server.url}/metrics")).text


@pytest.fixture
async def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Depot]:
    """A depot at work, with the binding paused."""
    nodes: list[RelayNode] = []

    def remembered(world: World) -> RelayNode:
        nodes.append(RelayNode(world))
        return nodes[-1]

    monkeypatch.setattr(composition, "RelayNode", remembered)
    async with AsyncExitStack() as stack:
        partner = await stack.enter_async_context(SimulatedCsms("partner"))
        server = await stack.enter_async_context(running_server(tmp_path / "data"))
        depot = Depot(server, nodes[0], partner, tmp_path)
        await depot.apply("paused")
        station = await stack.enter_async_context(SimulatedStation("CP-001", server.stations_url))
        await station.boot()
        await partner.wait_for("BootNotification")
        await server.fwdctl("toggle", "cp001", "--primary", "local", "--for", "1h", "--reason", "visit")
        ended = await server.fwdctl("toggle", "cp001", "--end")  # answered live: the controller knows what runs
        assert ended.out == "cp001: applied\n", ended.err
        yield depot


async def test_drift_is_shown_field_by_field_with_who_did_it_and_healed_once_its_binding_is_not_paused(
    depot: Depot,
) -> None:
    await depot.change_directly()
    drift = await depot.drift()
    (drifted,) = drift["drifted"]
    assert (drift["exit_code"], drifted["charger"], drifted["state"]) == (2, "cp001", "drifted")
    assert {"field": "owners.transactions", "applied": "partner", "live": "local"} in drifted["fields"]
    assert drifted["origin"] == {"who": "a change by hand", "why": None, "at": None}
    assert "backend-binding.depot-a" in drifted["paused"]

    told = await depot.server.fwdctl("drift")
    assert told.code == 2
    assert ": partner -> local\n" in told.out
    assert "  by a change by hand\n" in told.out
    assert "  not healed: paused, " in told.out
    await depot.until_metrics_say('fwdctl_drifted_chargers{state="drifted"} 1.0')

    await depot.apply("active")
    await depot.until_healed()
    owners = depot.node.live()["cp001"].owners
    assert owners is not None
    assert set(owners.values()) == {"partner"}
    (healed,) = (await depot.server.fwdctl("history", "--kind", "drift-healed", "--json")).json["events"]
    assert healed["details"]["ran_for"] == "a change by hand"
    assert {"field": "owners.transactions", "applied": "partner", "live": "local"} in healed["details"]["fields"]
    await depot.until_metrics_say('fwdctl_drifted_chargers{state="drifted"} 0.0')
