"""A site for service work: one charger between a partner and `local`, real sockets all around."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.depot_specs import depot_specs
from tests.support.server import Server, running_server
from tests.support.server_process import ServerProcess
from tests.support.specs import role

VERSIONS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")


@dataclass
class Depot:
    """The charger cp001, connected; cp002 is declared and stays away."""

    server: Server | ServerProcess
    api: ApiClient
    partner: SimulatedCsms
    station: SimulatedStation
    folder: Path

    async def roles(self, partner: str, local: str) -> None:
        """Apply these roles."""
        file = self.folder / "site.yaml"
        billing = role("billing", "authorization", "transactions", "metering", "availability")
        roles = {"partner-pay": partner, "local": local}
        urls = {"partner-pay": self.partner.url}
        file.write_text(depot_specs(urls, roles, chargers=2, versions=VERSIONS, besides=[billing]))
        await self.server.apply("-f", file)

    async def offers(self, charger: str = "cp001") -> dict[str, Json]:
        """Return what can be done, by operation."""
        found = await asyncio.to_thread(self.api.offers, charger)
        return {offer["operation"]: offer for offer in found["operations"]}

    async def start(self, operation: str, charger: str = "cp001", **parameters: Any) -> str:
        """Start an operation and return its id; raises what the server says."""
        body = {"charger": charger, "operation": operation, "parameters": parameters, "reason": "visit", "actor": "eva"}
        return str((await asyncio.to_thread(self.api.start_operation, body))["id"])

    async def end(self, operation_id: str) -> Json:
        """Return an operation once it is over."""
        while True:
            found = await asyncio.to_thread(self.api.operation, operation_id, 10, 10_000)
            if found["done"]:
                return await asyncio.to_thread(self.api.operation, operation_id)

    async def run(self, operation: str, charger: str = "cp001", **parameters: Any) -> Json:
        """Start an operation and return it once it is over."""
        return await self.end(await self.start(operation, charger, **parameters))


@asynccontextmanager
async def depot(
    folder: Path,
    version: str = "ocpp1.6",
    *,
    partner: str = "passive",
    local: str = "primary",
    settings: dict[str, Any] | None = None,
    **station: Any,
) -> AsyncIterator[Depot]:
    """Run a depot whose charger has booted, with these roles."""
    async with AsyncExitStack() as stack:
        csms = await stack.enter_async_context(SimulatedCsms("partner-pay"))
        server = await stack.enter_async_context(running_server(folder / "data", **(settings or {})))
        api = stack.enter_context(ApiClient(server.url))
        connected = SimulatedStation("CP-001", server.stations_url, version, **station)
        running = Depot(server, api, csms, connected, folder)
        await running.roles(partner, local)
        await stack.enter_async_context(connected)
        await connected.boot()
        await connected.announce()
        await csms.wait_for("BootNotification")
        yield running
