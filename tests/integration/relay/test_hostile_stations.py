"""Stations that mean harm: floods, impostors, a thousand of one name. Others are served meanwhile; all is bounded."""

import asyncio
import base64
from pathlib import Path

import pytest
from msgspec.structs import replace
from websockets.frames import Frame, Opcode

from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles, WebSocketLimits
from reconciler.model.desired import SecretRef, Security
from reconciler.testing import SimulatedCsms
from tests.integration.relay.support import station, until
from tests.integration.websocket.certificates import Authority
from tests.integration.websocket.support import REQUEST, raw_connection, raw_station
from tests.support.relay import PRIMARY, Relay, backend, charger, relay

PASSWORD = b"correct horse battery"


def port_of(running: Relay) -> int:
    """Return the port that stations connect to."""
    return int(running.url.rpartition(":")[2].partition("/")[0])


async def declare(running: Relay, csms: SimulatedCsms, *names: str, security: Security | None = None) -> None:
    """Declare chargers whose owner is `csms`."""
    for name in names:
        owned = charger(name, [(backend("a", csms.url), PRIMARY)])
        await running.run(replace(owned, security=security or Security()))


@pytest.mark.slow
async def test_a_thousand_connections_under_one_identity_leave_one_and_disturb_nobody() -> None:
    async with SimulatedCsms("a") as a, relay(limits=WebSocketLimits(close_timeout_s=0.2)) as running:
        await declare(running, a, "cp1", "cp-1")
        async with station(running) as other:
            await other.boot()
            for _ in range(10):
                peers = [raw_connection(port_of(running)) for _ in range(100)]
                for peer in [await opened.__aenter__() for opened in peers]:
                    peer.writer.write(REQUEST)
                await until(lambda: running.open_sockets <= 2)
                for opened in peers:
                    await opened.__aexit__(None, None, None)
            assert running.live("cp-1").connections == 1000
            assert await other.authorize("TAG") == "Accepted"
            assert other.unexpected_disconnects == []
        await until(lambda: running.open_sockets == 0)


async def test_a_flood_of_pings_slows_nobody_else() -> None:
    async with SimulatedCsms("a") as a, relay() as running:
        await declare(running, a, "cp1", "cp-1")
        async with station(running) as other, raw_station(port_of(running)) as flooder:
            await other.boot()
            pings = Frame(Opcode.PING, b"").serialize(mask=True) * 50_000
            flooder.writer.write(pings)
            reading = asyncio.ensure_future(flooder.reader.readexactly(2 * 50_000))
            async with asyncio.timeout(2):
                for _ in range(20):
                    assert await other.authorize("TAG") == "Accepted"
            assert await reading == Frame(Opcode.PONG, b"").serialize(mask=False) * 50_000


async def test_one_address_that_opens_connections_and_says_nothing_does_not_shut_the_door() -> None:
    limits = WebSocketLimits(max_handshakes=10, max_handshakes_per_host=3, linger_s=0.1)
    async with SimulatedCsms("a") as a, relay(limits=limits) as running:
        await declare(running, a, "cp1")
        async with raw_connection(port_of(running)), raw_connection(port_of(running)), raw_connection(port_of(running)):
            await until(lambda: running.open_sockets == 3)
            async with raw_connection(port_of(running)) as fourth:
                assert (await fourth.rest()).startswith(b"HTTP/1.1 503 ")
        await until(lambda: running.open_sockets == 0)
        async with station(running) as welcome:
            assert (await welcome.boot())["status"] == "Accepted"


@pytest.mark.parametrize("path", ["/ocpp/../CP1/..", "/CP1%00", "/CP1%0d%0aX: y", "/%2e%2e", "/" + "C" * 300])
async def test_tricks_with_the_path_name_no_charger(path: str) -> None:
    async with SimulatedCsms("a") as a, relay() as running:
        await declare(running, a, "cp1")
        async with raw_connection(port_of(running)) as peer:
            peer.writer.write(REQUEST.replace(b"/ocpp/CP-1", path.encode()))
            answer = await peer.rest()
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
        assert a.connections == []


async def test_an_impostor_at_another_door_is_refused_and_the_station_notices_nothing(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.server_files(tmp_path, "localhost")
    security = Security(2, password=SecretRef("env", "PASSWORD"))
    async with SimulatedCsms("a") as a, relay({"PASSWORD": PASSWORD}) as running:
        await declare(running, a, "cp1", security=security)
        secured = StationListener(running.node, host="127.0.0.1", port=0, tls=StationTls(TlsFiles((pair,))).context)
        await secured.start()
        url = f"wss://localhost:{secured.port}"
        async with station(running, url=url, password=PASSWORD, ssl=authority.trusting()) as genuine:
            await genuine.boot()
            login = b"Authorization: Basic " + base64.b64encode(b"CP1:" + PASSWORD) + b"\r\n\r\n"
            async with raw_connection(port_of(running)) as impostor:  # with the right password, in the clear
                impostor.writer.write(REQUEST.replace(b"CP-1", b"CP1").replace(b"\r\n\r\n", b"\r\n" + login))
                assert (await impostor.rest()).startswith(b"HTTP/1.1 403 ")
            assert await genuine.authorize("TAG") == "Accepted"
            assert running.live("cp1").connections == 1
        await secured.stop()


async def test_guessing_passwords_is_slowed_down_and_the_station_still_comes_in() -> None:
    security = Security(1, password=SecretRef("env", "PASSWORD"))
    async with SimulatedCsms("a") as a, relay({"PASSWORD": PASSWORD}) as running:
        await declare(running, a, "cp-1", security=security)
        statuses = []
        for _ in range(25):
            async with raw_connection(port_of(running)) as peer:
                peer.writer.write(REQUEST)
                statuses.append((await peer.rest()).split(b" ", 2)[1])
        assert statuses[:20] == [b"401"] * 20
        assert b"429" in statuses[20:]
