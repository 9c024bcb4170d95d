"""What a session that has ended leaves behind: nothing that only the garbage collector would find."""

import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles
from reconciler.model.desired import LOCAL, Backend, SecretRef, Security
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.relay.support import Pair, until
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PASSIVE, PRIMARY, charger, relay

OURS = ("reconciler.app.", "reconciler.relay.", "reconciler.local.", "reconciler.adapters.")
TIMES = 5
REMEMBERED = "reconciler.relay.transaction_ids.TransactionIds"
"""Ids of transactions that have ended are kept for a while, bounded in number, for what still names them."""
PASSWORD = b"the right one, long enough"


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is collected while a test runs."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@dataclass
class Scene(Pair):
    """A relay with a charger at two CSMSs and `local`, over plain sockets or TLS."""

    url: str = ""
    tls: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
async def scene(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> AsyncIterator[Scene]:
    """Run it."""
    async with SimulatedCsms("a") as a, SimulatedCsms("b") as b, relay({"P": PASSWORD}) as running:
        there = Scene(running, a, b, url=running.url)
        tls = StationTls(TlsFiles((authority.server_files(tmp_path, "localhost"),), None))
        door = StationListener(running.node, host="127.0.0.1", port=0, tls=tls.context)
        await door.start()
        security = Security()
        if request.param == "tls":
            there.url = f"wss://localhost:{door.port}"
            there.tls = {"ssl": authority.trusting(), "password": PASSWORD}
            security = Security(2, password=SecretRef("env", "P"))
        local = Backend(LOCAL, "", ("ocpp1.6", "ocpp2.0.1"))
        legs = [(there.backend(a), PRIMARY), (there.backend(b), PASSIVE), (local, PASSIVE)]
        await running.run(charger("cp1", legs, security=security))
        yield there
        await door.stop()


def ours() -> Counter[str]:
    """Count the objects of the relay's own types."""
    kinds = (type(each) for each in gc.get_objects())
    return Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if str(kind.__module__).startswith(OURS))


async def once(there: Scene, version: str) -> None:
    """Connect, charge, and leave in the middle of it."""
    station = SimulatedStation("CP1", there.url, version, **there.tls)
    await station.connect()
    await station.boot()
    await there.registered()
    await station.status(1, "Available")
    transaction = await station.start_transaction(1, "TAG")
    await station.meter(transaction, 100)
    await station.stop_transaction(transaction)
    await there.a.call("CP1", "GetLocalListVersion", {})
    await station.disconnect()
    await until(lambda: not there.relay.live("cp1").connected)
    for csms in (there.a, there.b):
        await csms.wait_disconnected("CP1")


@pytest.mark.parametrize("scene", ["plain", "tls"], indirect=True)
@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_an_ended_session_is_freed_without_the_garbage_collector(
    scene: Scene, version: str, uncollected: None
) -> None:
    for _ in range(2):
        await once(scene, version)
    gc.collect()
    before = ours()
    for _ in range(TIMES):
        await once(scene, version)
    await until(lambda: not left(before), what=f"all of this to be freed: {left(before)}")


def left(before: Counter[str]) -> dict[str, int]:
    """Return what there is more of by now, once for each session."""
    return {kind: count for kind, count in (ours() - before).items() if count >= TIMES and kind != REMEMBERED}
