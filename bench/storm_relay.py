"""The relay that a storm hits, in a process of its own: TLS, profile 2, passwords as keyed hashes, a CSMS leg each.

    python -m bench.storm_relay PORT CHARGERS DIRECTORY CSMS_PORT

prints `ready`, and for each line on stdin one line of JSON with what became of all handshakes so far.
"""

import asyncio
import json
import secrets
import sys
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import uvloop
from msgspec.structs import replace

from bench.relay_process import ROLES, charger
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.logs import EventLog, configure_logs
from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.password_key import read_password_key
from reconciler.adapters.secrets import ServerSecrets
from reconciler.adapters.store import open_store
from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles, WebSocketDialer
from reconciler.app.node import RelayNode, World
from reconciler.app.recorder import Recorder
from reconciler.app.stored_passwords import StoredPasswords
from reconciler.cli import collector
from reconciler.model.desired import LOCAL, Backend, DesiredCharger, DesiredLeg, SecretRef, Security
from reconciler.model.features import FEATURES, OCPP_VERSIONS

SECURED = Security(2, password=SecretRef("file", "stations/{identity}"))


def secured(number: int, csms_port: int) -> DesiredCharger:
    """Return a charger with a password; `local` owns it where there is no CSMS (port 0)."""
    desired = charger(number, ROLES["owner"], [csms_port])
    if not csms_port:
        local = DesiredLeg(Backend(LOCAL, "", OCPP_VERSIONS), ROLES["owner"][0])
        desired = replace(desired, legs=(local,), owners=dict.fromkeys(FEATURES, LOCAL))
    return replace(desired, security=SECURED)


async def serve(port: int, count: int, directory: Path, csms_port: int) -> None:
    """Run the relay until stdin ends."""
    async with AsyncExitStack() as stack:
        store = await open_store(None, directory)
        stack.push_async_callback(store.close)
        clock, known = SystemClock(), ServerSecrets(directory / "secrets", {})
        log = EventLog(clock.monotonic_s)
        recorder = Recorder(store, log)
        writing = asyncio.ensure_future(recorder.run())
        world = World(
            WebSocketDialer(known),
            known,
            clock,
            PrometheusMetrics(),
            log,
            recorder,
            lambda: str(uuid4()),
            secrets.token_bytes(32),
            passwords=StoredPasswords(clock, read_password_key(directory, {})),
        )
        node = RelayNode(world)
        for number in range(count):
            desired = secured(number, csms_port)
            await node.set_desired(desired.name, 1, desired)
        refused: Counter[str] = Counter()
        pairs = tuple((directory / f"{kind}.pem", directory / f"{kind}.key") for kind in ("rsa", "ecdsa"))
        tls = StationTls(TlsFiles(pairs))

        def counted(status: str, remote: str, reason: str) -> None:
            refused.update([status])

        listener = StationListener(node, host="0.0.0.0", port=port, tls=tls.context, refused=counted)
        await listener.start()
        stack.push_async_callback(listener.stop)
        collector.settle()
        print("ready", flush=True)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps({"refused": refused, "connections": listener.connections}), flush=True)
        writing.cancel()


def main() -> None:
    """Run as told on the command line."""
    port, count, directory, csms_port = sys.argv[1:]
    configure_logs(sys.stderr)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(port), int(count), Path(directory), int(csms_port)))


if __name__ == "__main__":
    main()
