"""The relay under test, in a process of its own: node, listener, dialer, recorder and SQLite as in `fwdctl serve`.

    python -m bench.relay_process PORT ROLES MANNER CHARGERS DIRECTORY CSMS_PORT...

prints `ready`, and for each line `flip` on stdin one line of JSON: all chargers change owners, and how long that took.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import uvloop

from bench.certificate import CERTIFICATE, KEY
from bench.generator import PASSWORD
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.logs import EventLog, configure_logs
from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.secrets import ServerSecrets
from reconciler.adapters.store import open_store
from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles, WebSocketDialer
from reconciler.app.node import RelayNode, World
from reconciler.app.recorder import Recorder
from reconciler.cli import collector
from reconciler.model.desired import Backend, DesiredCharger, DesiredLeg, Role, SecretRef, Security
from reconciler.model.features import FEATURES
from reconciler.model.live import Ack

FLIPS_AT_ONCE: Final = 20
"""As many as the controller has under way."""

_NOTHING: Final[frozenset[str]] = frozenset()
_OWNS_ALL: Final = Role("primary", frozenset({"*"}), observes=_NOTHING)
_SEES_ALL: Final = Role("observer", _NOTHING, observes=frozenset({"*"}))
_OWNS_METERING: Final = Role("metering", frozenset({"metering"}), observes=_NOTHING)
_STANDS_BY: Final = Role("standby", _NOTHING, observes=_NOTHING)

ROLES: Final[Mapping[str, tuple[Role, ...]]] = {
    "owner": (_OWNS_ALL,),
    "observer": (_OWNS_ALL, _SEES_ALL),
    "observers": (_OWNS_ALL, _SEES_ALL, _SEES_ALL),
    "hybrid": (_OWNS_ALL, _OWNS_METERING),
    "standby": (_OWNS_ALL, _STANDS_BY),
}
"""Who has which role: the first CSMS owns what nobody else does."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How stations connect: which version they speak, and how their leg is secured."""

    version: str = "ocpp1.6"
    security: Security = field(default_factory=Security)


MANNERS: Final[Mapping[str, Manner]] = {
    "plain": Manner(),
    "tls": Manner(security=Security(2, password=SecretRef("file", "password"))),
    "deflate": Manner("ocpp2.0.1"),
}


def charger(
    number: int, roles: Iterable[Role], ports: Iterable[int], first: int = 0, manner: Manner = MANNERS["plain"]
) -> DesiredCharger:
    """Return a charger of the load generator's whose back-ends have `roles`, with CSMS `first` in the first one."""
    spoken = (manner.version,)
    csms = [Backend(f"csms{at}", f"ws://127.0.0.1:{port}/ocpp", spoken) for at, port in enumerate(ports)]
    csms = csms[first:] + csms[:first]
    legs = tuple(DesiredLeg(backend, role) for backend, role in zip(csms, roles, strict=False))
    named = {feature: leg.backend.name for leg in legs for feature in leg.role.owns - {"*"}}
    owners = {feature: named.get(feature, legs[0].backend.name) for feature in FEATURES}
    identity = f"CP{number:05d}"
    return DesiredCharger(identity, identity, None, spoken, manner.security, legs, owners)


async def flip_all(node: RelayNode, chargers: list[DesiredCharger], generation: int) -> dict[str, float]:
    """Give every charger its new roles, a few at a time, and return how it went."""
    room = asyncio.Semaphore(FLIPS_AT_ONCE)

    async def flip(desired: DesiredCharger) -> bool:
        async with room:
            return isinstance(await node.set_desired(desired.name, generation, desired), Ack)

    loop = asyncio.get_running_loop()
    began = loop.time()
    done = await asyncio.gather(*(flip(desired) for desired in chargers))
    return {"flips": sum(done), "failed": done.count(False), "seconds": loop.time() - began}


async def serve(
    port: int, roles: tuple[Role, ...], manner: Manner, count: int, directory: Path, csms_ports: list[int]
) -> None:
    """Run the relay until stdin ends."""
    async with AsyncExitStack() as stack:
        store = await open_store(None, directory)
        stack.push_async_callback(store.close)
        clock = SystemClock()
        log = EventLog(clock.monotonic_s)
        recorder = Recorder(store, log)
        writing = asyncio.ensure_future(recorder.run())
        known = ServerSecrets(directory, {})
        world = World(
            WebSocketDialer(known),
            known,
            clock,
            PrometheusMetrics(),
            log,
            recorder,
            lambda: str(uuid4()),
            secrets.token_bytes(32),
        )
        node = RelayNode(world)
        chargers = [charger(number, roles, csms_ports, manner=manner) for number in range(count)]
        for desired in chargers:
            await node.set_desired(desired.name, 1, desired)
        tls = None
        if manner.security.profile:
            (directory / "password").write_text(PASSWORD)
            tls = StationTls(TlsFiles(((directory / CERTIFICATE, directory / KEY),))).context
        listener = StationListener(node, host="127.0.0.1", port=port, tls=tls)
        await listener.start()
        stack.push_async_callback(listener.stop)
        collector.settle()
        print("ready", flush=True)
        await _obey(node, roles, count, csms_ports)
        writing.cancel()


async def _obey(node: RelayNode, roles: tuple[Role, ...], count: int, csms_ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    generation = 1
    while await loop.run_in_executor(None, sys.stdin.readline):
        generation += 1
        swapped = [charger(number, roles, csms_ports, first=(generation + 1) % 2) for number in range(count)]
        print(json.dumps(await flip_all(node, swapped, generation)), flush=True)


def main() -> None:
    """Run as told on the command line."""
    port, roles, manner, count, directory, *csms_ports = sys.argv[1:]
    ports = [int(at) for at in csms_ports]
    configure_logs(sys.stderr)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(port), ROLES[roles], MANNERS[manner], int(count), Path(directory), ports))


if __name__ == "__main__":
    main()
