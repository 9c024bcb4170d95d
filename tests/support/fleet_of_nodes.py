"""A depot on several real servers that share a PostgreSQL: what is declared, and what each server says of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from reconciler.testing import HandshakeRefused, SimulatedStation
from tests.support.server import Server
from tests.support.server_process import ServerProcess

HEAD = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec:
  url: "{partner}"
  versions: [ocpp1.6]
  securityProfile: open
  contacts: [{{webhook: {{url: "{hook}"}}}}]
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: second}}
spec: {{url: "{second}", versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: depot-a}}
spec:
  chargers: {{labels: {{site: a}}}}
  backends: [{{backend: partner, role: primary}}]
"""
CHARGER = """\
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp{number:03}, labels: {{site: a}}}}
spec: {{identity: CP-{number:03}, versions: [ocpp1.6], securityProfile: open}}
"""


def depot(chargers: int, *, partner: str, second: str, hook: str = "http://127.0.0.1:1/") -> str:
    """Return the specs of a depot whose chargers partner owns; partner's people have a webhook."""
    head = HEAD.format(partner=partner, second=second, hook=hook)
    return head + "".join(CHARGER.format(number=number) for number in range(1, chargers + 1))


@dataclass
class Seen:
    """What a server says of all chargers."""

    chargers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def owners(self) -> dict[str, str]:
        """Return who owns transactions on each connected charger."""
        return {name: live["owners"]["transactions"] for name, live in self.chargers.items() if live.get("owners")}


@asynccontextmanager
async def let_in(station: SimulatedStation) -> AsyncIterator[SimulatedStation]:
    """Connect a station for the block: again, as stations do, while its node has not read what another declared."""
    async with asyncio.timeout(15):
        while not station.connected:
            try:
                await station.connect()
            except HandshakeRefused as refused:
                if refused.status != 404:
                    raise
    try:
        yield station
    finally:
        await station.disconnect()


async def seen_at(node: ServerProcess | Server) -> Seen:
    """Return what this server says now."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return await _seen(http, node)


async def until_seen(node: ServerProcess | Server, holds: Callable[[Seen], bool], within_s: float = 20.0) -> Seen:
    """Wait until what this server says is so."""
    seen = Seen()
    try:
        async with asyncio.timeout(within_s), httpx.AsyncClient(trust_env=False) as http:
            while not holds(seen := await _seen(http, node)):  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"after {within_s} s: {seen.chargers}") from None
    return seen


async def _seen(http: httpx.AsyncClient, node: ServerProcess | Server) -> Seen:
    listed = (await http.get(f"{node.url}/v1/status")).raise_for_status().json()
    return Seen({one["charger"]: one["live"] or {} for one in listed["chargers"]})
