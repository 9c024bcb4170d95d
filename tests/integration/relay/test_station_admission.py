"""Who is let in, as what, and with which words others are refused."""

import base64
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from reconciler.model.desired import SecretRef, Security
from reconciler.model.live import Ack
from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.integration.relay.support import booted, pair, station, until
from tests.support.relay import PRIMARY, Relay, backend, charger, relay

PASSWORD = b"correct horse:battery"
PROFILE_1 = Security(profile=1, password=SecretRef("env", "STATION_PASSWORD"))


async def knock(running: Relay, authorization: str | None, identity: str = "CP1") -> ClientConnection:
    """Dial as a station with that Authorization header."""
    headers = {} if authorization is None else {"Authorization": authorization}
    return await connect(
        f"{running.url}/{identity}",
        subprotocols=[Subprotocol("ocpp1.6")],
        additional_headers=headers,
        proxy=None,
        compression=None,
    )


def basic(credentials: bytes) -> str:
    return f"Basic {base64.b64encode(credentials).decode()}"


async def status(running: Relay, authorization: str | None, identity: str = "CP1") -> int:
    """Return the HTTP status that a station gets; 101 where it is let in."""
    try:
        socket = await knock(running, authorization, identity)
    except InvalidStatus as refused:
        return refused.response.status_code
    await socket.close()
    return 101


async def test_an_unknown_identity_is_answered_404() -> None:
    async with SimulatedCsms("a") as a, relay() as running:
        await running.run(charger("cp1", [(backend("a", a.url), PRIMARY)]))
        with pytest.raises(HandshakeRefused) as refused:
            await SimulatedStation("CP2", running.url).connect()
        assert refused.value.status == 404
        assert a.connections == []
        assert running.tally.counts["station_connections", "refused"] == 1


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        pytest.param(None, 401, id="none"),
        pytest.param(basic(b"CP1:wrong"), 401, id="a wrong password"),
        pytest.param(basic(b"CP1:"), 401, id="an empty password"),
        pytest.param(basic(b"CP1:" + PASSWORD), 101, id="the password, which holds a colon"),
        pytest.param(basic(b"cp1:" + PASSWORD), 101, id="the user name in another case"),
        pytest.param(basic(b"CP1:" + PASSWORD.hex().encode()), 101, id="the password in hex"),
        pytest.param(basic(b"CP1:" + PASSWORD.hex().upper().encode()), 101, id="the password in upper case hex"),
        pytest.param(basic(b"CP1:" + PASSWORD + b"x"), 401, id="the password and more"),
        pytest.param(basic(b"CP1:" + PASSWORD[:-1]), 401, id="less than the password"),
        pytest.param(basic(b"CP1:" + PASSWORD.upper()), 401, id="the password in another case"),
        pytest.param(basic(b"CP2:" + PASSWORD), 401, id="the user name of another station"),
        pytest.param(basic(b"CP1"), 401, id="no colon"),
        pytest.param("Basic !!!", 401, id="no base64"),
        pytest.param("Bearer " + base64.b64encode(b"CP1:" + PASSWORD).decode(), 401, id="another scheme"),
        pytest.param(basic(b"CP1:" + PASSWORD).replace("Basic", "basic"), 101, id="the scheme in lower case"),
    ],
)
async def test_security_profile_1_lets_in_with_the_password_and_answers_401_otherwise(
    authorization: str | None, expected: int
) -> None:
    async with relay({"STATION_PASSWORD": PASSWORD}) as running, SimulatedCsms("a") as a:
        for name in ("cp1", "cp2"):
            await running.run(charger(name, [(backend("a", a.url), PRIMARY)], security=PROFILE_1))
        assert await status(running, authorization) == expected
        if expected == 401:
            assert a.connections == []
        said = str(running.tally.lines)
        assert PASSWORD.decode() not in said
        assert PASSWORD.hex() not in said


async def test_a_password_declared_in_hex_is_met_by_its_bytes() -> None:
    """As the AuthorizationKey of 1.6 travels: hex digits over OCPP, raw bytes in the header."""
    raw = bytes.fromhex("0001020304050607ffffffffffffffffffffffff")
    async with relay({"STATION_PASSWORD": raw.hex().encode()}) as running, SimulatedCsms("a") as a:
        await running.run(charger("cp1", [(backend("a", a.url), PRIMARY)], security=PROFILE_1))
        assert await status(running, basic(b"CP1:" + raw)) == 101
        assert await status(running, basic(b"CP1:" + raw[:-1])) == 401


async def test_a_password_that_the_server_does_not_have_is_the_servers_trouble_not_the_stations() -> None:
    async with relay({}) as running, SimulatedCsms("a") as a:
        await running.run(charger("cp1", [(backend("a", a.url), PRIMARY)], security=PROFILE_1))
        with pytest.raises(InvalidStatus) as refused:
            await knock(running, basic(b"CP1:" + PASSWORD))
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) > 0


@pytest.mark.parametrize("profile", [2, 3])
async def test_a_charger_that_needs_tls_is_not_let_in_without(profile: int) -> None:
    security = Security(profile=profile, password=SecretRef("env", "STATION_PASSWORD"))
    async with relay({"STATION_PASSWORD": PASSWORD}) as running, SimulatedCsms("a") as a:
        await running.run(charger("cp1", [(backend("a", a.url), PRIMARY)], security=security))
        assert await status(running, basic(b"CP1:" + PASSWORD)) == 403


@pytest.mark.parametrize("declared", [("ocpp2.0.1",), ("ocpp2.0.1", "ocpp2.1")])
async def test_without_a_common_version_the_handshake_completes_without_one_and_closes(
    declared: tuple[str, ...],
) -> None:
    async with relay() as running, SimulatedCsms("a") as a:
        await running.run(charger("cp1", [(backend("a", a.url), PRIMARY)], versions=declared))
        socket = await knock(running, None)
        assert socket.subprotocol is None
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002
        assert a.connections == []
        assert not running.live("cp1").connected


async def test_the_newest_connection_wins_but_only_if_it_may_come_in() -> None:
    secrets = {"STATION_PASSWORD": PASSWORD}
    async with SimulatedCsms("a") as a, relay(secrets) as running:
        await running.run(charger("cp1", [(backend("a", a.url), PRIMARY)], security=PROFILE_1))
        async with station(running, password=PASSWORD) as first:
            await first.boot()
            assert await status(running, basic(b"CP1:wrong")) == 401
            assert await first.authorize("TAG") == "Accepted"
            async with station(running, password=PASSWORD) as second:
                closed = await first.wait_disconnected()
                assert (closed.code, closed.reason) == (1008, "replaced by a newer connection")
                assert await second.authorize("TAG") == "Accepted"
                assert a.violations == []


async def test_a_charger_that_is_withdrawn_is_closed_and_unknown_from_then_on() -> None:
    async with pair() as between, booted(between) as connected:
        assert isinstance(await between.relay.node.set_desired("cp1", 99, None), Ack)
        closed = await connected.wait_disconnected()
        assert (closed.code, closed.reason) == (1008, "this charging station is no longer declared")
        await between.a.wait_disconnected("CP1")
        await between.b.wait_disconnected("CP1")
        assert dict(between.relay.node.live()) == {}
        assert await status(between.relay, None) == 404


async def test_a_charger_that_is_withdrawn_and_declared_again_starts_afresh() -> None:
    async with pair() as between, booted(between) as connected:
        await between.relay.node.set_desired("cp1", 99, None)
        await between.relay.run(between.charger())
        await connected.wait_disconnected()
        await connected.connect()
        await connected.boot()
        await between.registered()
        assert between.relay.live("cp1").connections == 1
        assert between.a.violations == between.b.violations == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"versions": ("ocpp2.0.1",)}, "ocpp1.6 is no longer among its versions"),
        ({"security": PROFILE_1}, "its security profile changed"),
        ({"identity": "CP9"}, "its identity changed"),
    ],
)
async def test_a_change_that_only_a_new_connection_can_bring_asks_the_station_to_come_back(
    changes: dict[str, Any], why: str
) -> None:
    async with pair() as between, booted(between) as connected:
        between.more = changes
        await between.relay.run(between.charger())
        closed = await connected.wait_disconnected()
        assert (closed.code, closed.reason) == (1012, f"connect again: {why}")
        await until(lambda: not between.relay.live("cp1").connected)


async def test_a_charger_declared_under_another_name_keeps_its_identity() -> None:
    """Whichever of the two changes comes first."""
    async with SimulatedCsms("a") as a, relay() as running:
        await running.run(charger("old", [(backend("a", a.url), PRIMARY)], identity="CP1"))
        await running.run(charger("new", [(backend("a", a.url), PRIMARY)], identity="CP1"))
        await running.node.set_desired("old", 99, None)
        async with station(running) as connected:
            await connected.boot()
            assert running.live("new").connected


async def test_two_chargers_may_swap_their_identities() -> None:
    async with SimulatedCsms("a") as a, relay() as running:
        for identities in (("CP1", "CP2"), ("CP2", "CP1")):
            for name, identity in zip(("one", "two"), identities, strict=True):
                await running.run(charger(name, [(backend("a", a.url), PRIMARY)], identity=identity))
        async with station(running, identity="CP2") as connected:
            await connected.boot()
            assert running.live("one").connected
            assert await status(running, None, "CP1") == 101
