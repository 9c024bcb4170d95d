"""How the relay is admitted by CSMSs: its own credentials, TLS, and the station's own header where that is declared."""

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.desired import SecretRef, Security
from reconciler.model.live import LegPhase
from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.integration.relay.support import station, until
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

STATION = "Basic " + base64.b64encode(b"CP1:station secret").decode()
OWN = "Basic " + base64.b64encode(b"CP1:relay secret").decode()
SECRETS = {"RELAY_PASSWORD": b"relay secret", "HEX": b"00ff10"}
PROFILE_1 = Security(profile=1, password=SecretRef("env", "RELAY_PASSWORD"))


async def declare(running: Relay, through: SimulatedCsms, other: SimulatedCsms | None = None, **more: Any) -> None:
    """Declare cp1: the station's credentials are passed to `through`; `other` observes with the relay's own."""
    legs: list[Any] = [(backend(through.name, through.url, security=Security(profile=1)), PRIMARY, "passthrough")]
    if other is not None:
        legs.append((backend(other.name, other.url, security=PROFILE_1), PASSIVE))
    await running.run(charger("cp1", legs, security=Security(profile=1), **more))


async def test_the_station_s_own_header_reaches_the_one_back_end_it_is_passed_to_and_no_other() -> None:
    async with (
        SimulatedCsms("through", password="station secret") as through,
        SimulatedCsms("other", password="relay secret") as other,
        relay(SECRETS) as running,
    ):
        await declare(running, through, other)
        async with station(running, password="station secret") as connected:
            await connected.boot()
            await until(lambda: running.phase("cp1", "other") is LegPhase.REGISTERED)
            assert [seen.authorization for seen in through.connections] == [STATION]
            assert [seen.authorization for seen in other.connections] == [OWN]
            assert await connected.authorize("TAG") == "Accepted"
            assert "secret" not in str(running.tally.lines)
            assert through.violations == other.violations == []


async def test_a_leg_with_the_station_s_header_is_dialled_again_with_it() -> None:
    async with SimulatedCsms("through", password="station secret") as through, relay(SECRETS) as running:
        await declare(running, through)
        async with station(running, password="station secret") as connected:
            await connected.boot()
            await through.drop("CP1", 1012, "restarting")
            await through.until(lambda: len(through.connections) == 2)
            await until(lambda: running.phase("cp1", "through") is LegPhase.REGISTERED)
            assert [seen.authorization for seen in through.connections] == [STATION] * 2
            assert connected.disconnects == []


@pytest.mark.parametrize(("identities", "password", "expected"), [(None, "another", 401), ([], "station secret", 404)])
async def test_a_refusal_of_that_back_end_is_the_answer_to_the_station_s_handshake(
    identities: list[str] | None, password: str, expected: int
) -> None:
    async with (
        SimulatedCsms("through", password="station secret", identities=identities) as through,
        SimulatedCsms("other") as other,
        relay(SECRETS) as running,
    ):
        await declare(running, through, other)
        with pytest.raises(HandshakeRefused) as refused:
            await SimulatedStation("CP1", running.url, password=password).connect()
        assert refused.value.status == expected
        assert other.connections == []
        assert not running.live("cp1").connected


async def test_a_station_s_handshake_waits_for_that_back_end_s_answer() -> None:
    async with SimulatedCsms("through", password="station secret") as through, relay(SECRETS) as running:
        await declare(running, through)
        held = through.manners.handshake_held = asyncio.Event()
        dial = SimulatedStation("CP1", running.url, password="station secret")
        connecting = asyncio.get_running_loop().create_task(dial.connect())
        await through.until(lambda: bool(through.connections))
        assert not connecting.done()
        assert not running.live("cp1").connected
        held.set()
        await connecting
        await dial.boot()
        assert len(through.connections) == 1
        await dial.disconnect()


async def test_where_that_back_end_can_not_be_reached_the_station_is_told_to_come_back() -> None:
    async with SimulatedCsms("through") as through, relay(SECRETS) as running:
        await declare(running, through)
        await through.stop()
        with pytest.raises(HandshakeRefused) as refused:
            await SimulatedStation("CP1", running.url, password="station secret").connect()
        assert refused.value.status == 503


async def test_a_station_that_gives_up_while_that_back_end_decides_leaves_no_leg_there() -> None:
    async with SimulatedCsms("through", password="station secret") as through, relay(SECRETS) as running:
        await declare(running, through)
        held = through.manners.handshake_held = asyncio.Event()
        dial = SimulatedStation("CP1", running.url, password="station secret")
        connecting = asyncio.get_running_loop().create_task(dial.connect())
        await through.until(lambda: bool(through.connections))
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await until(lambda: running.open_sockets == 0, what="the station's socket to be gone")
        held.set()
        async with station(running, password="station secret") as connected:
            await connected.boot()
            assert list(through.stations) == ["CP1"]
            assert through.violations == []


@pytest.mark.parametrize(
    ("encoding", "secret", "sent"), [("plain", "RELAY_PASSWORD", b"relay secret"), ("hex", "HEX", b"\x00\xff\x10")]
)
async def test_the_relay_s_own_password_goes_to_the_back_end_it_is_declared_for(
    encoding: Any, secret: str, sent: bytes
) -> None:
    async with SimulatedCsms("a", password=sent) as a, SimulatedCsms("b") as b, relay(SECRETS) as running:
        security = Security(profile=1, password=SecretRef("env", secret), password_encoding=encoding)
        legs = [(backend("a", a.url, security=security), PRIMARY), (backend("b", b.url), PASSIVE)]
        await running.run(charger("cp1", legs))
        async with station(running) as connected:
            await connected.boot()
            await b.wait_for("BootNotification")
            assert [seen.authorization is None for seen in (*a.connections, *b.connections)] == [False, True]


async def test_a_wrong_password_of_the_relay_s_shows_in_live_state_without_being_shown() -> None:
    async with SimulatedCsms("a") as a, SimulatedCsms("b", password="other") as b, relay(SECRETS) as running:
        legs = [(backend("a", a.url), PRIMARY), (backend("b", b.url, security=PROFILE_1), PASSIVE)]
        await running.run(charger("cp1", legs))
        async with station(running) as connected:
            await connected.boot()
            await until(lambda: running.phase("cp1", "b") is LegPhase.DOWN)
            (leg,) = [leg for leg in running.live("cp1").legs if leg.backend == "b"]
            assert "HTTP 401" in leg.detail
            assert "secret" not in leg.detail
            assert await connected.authorize("TAG") == "Accepted"


async def test_wss_with_basic_authentication_to_a_back_end_of_a_private_authority(tmp_path: Path) -> None:
    authority = Authority("throw-away CA")
    context = authority.server_context(tmp_path, "127.0.0.1")
    secrets = SECRETS | {"CA": authority.pem}
    security = Security(profile=2, password=SecretRef("env", "RELAY_PASSWORD"), trusted_ca=SecretRef("file", "CA"))
    async with (
        SimulatedCsms("a", password="relay secret", ssl=context) as a,
        relay(secrets) as running,
    ):
        assert a.url.startswith("wss://")
        await running.run(charger("cp1", [(backend("a", a.url, security=security), PRIMARY)]))
        async with station(running) as connected:
            await connected.boot()
            transaction = await connected.start_transaction(1, "TAG")
            await connected.stop_transaction(transaction)
            assert [seen.authorization for seen in a.connections] == [OWN]
            assert a.violations == []


@pytest.mark.parametrize("trusted", ["nobody", "another authority"])
async def test_a_back_end_whose_certificate_is_not_trusted_gets_no_password(tmp_path: Path, trusted: str) -> None:
    context = Authority("throw-away CA").server_context(tmp_path, "127.0.0.1")
    secrets = SECRETS | {"CA": Authority("another CA").pem}
    ca = None if trusted == "nobody" else SecretRef("file", "CA")
    security = Security(profile=2, password=SecretRef("env", "RELAY_PASSWORD"), trusted_ca=ca)
    async with SimulatedCsms("a", ssl=context) as a, SimulatedCsms("b") as b, relay(secrets) as running:
        legs = [(backend("b", b.url), PRIMARY), (backend("a", a.url, security=security), PASSIVE)]
        await running.run(charger("cp1", legs))
        async with station(running) as connected:
            await connected.boot()
            await until(lambda: running.phase("cp1", "a") is LegPhase.DOWN)
            (leg,) = [leg for leg in running.live("cp1").legs if leg.backend == "a"]
            assert "certificate" in leg.detail
            assert a.connections == []
    assert isinstance(context, ssl.SSLContext)
