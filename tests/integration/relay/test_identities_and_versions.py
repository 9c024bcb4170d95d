"""Identities as stations really write them, and stations that speak more than one version."""

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from reconciler.model.live import LegPhase
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.relay.support import pair, station, until
from tests.support.relay import PASSIVE, PRIMARY, backend, charger, relay


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("GaroCS-4133", "GaroCS-4133"),
        ("CP_1", "CP_1"),
        ("CP 1", "CP%201"),
        ("RDAM|123", "RDAM%7C123"),
        ("Säule/7", "S%C3%A4ule%2F7"),
        ("100%25", "100%2525"),
        ("a.b~c", "a.b~c"),
        ("*-_=:+|@.", "%2A-_%3D%3A%2B%7C%40."),
    ],
)
async def test_an_identity_reaches_the_back_end_as_the_station_wrote_it(identity: str, path: str) -> None:
    async with pair(identity=identity) as between, station(between, identity=identity) as connected:
        await connected.boot()
        await connected.announce()
        await between.registered()
        for csms in (between.a, between.b):
            assert [seen.identity for seen in csms.connections] == [identity]
            assert [seen.path for seen in csms.connections] == [f"/ocpp/{path}"]
        assert await between.a.call(identity, "Reset", {"type": "Soft"}) == {"status": "Accepted"}
        between.clean(connected)


@pytest.mark.parametrize("path", ["CP%2D1", "%43%50-1", "//CP-1/", "CP-1?source=station"])
async def test_another_spelling_of_the_same_path_is_the_same_station(path: str) -> None:
    async with pair(identity="CP-1") as between:
        url = f"{between.relay.url}/{path}"
        async with connect(url, subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as socket:
            await socket.send('[2,"1","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]')
            await between.a.wait_for("BootNotification", identity="CP-1")
            assert b'"Accepted"' in await socket.recv(decode=False)
            assert between.relay.live("cp1").connected


async def test_a_station_in_another_case_is_the_declared_one_and_is_presented_as_declared() -> None:
    async with pair(identity="CP-One") as between, station(between, identity="cp-ONE") as connected:
        await connected.boot()
        await between.registered()
        for csms in (between.a, between.b):
            assert [seen.identity for seen in csms.connections] == ["CP-One"]
        between.clean(connected)


async def test_two_stations_whose_identities_differ_by_a_character_are_two_stations() -> None:
    async with SimulatedCsms("a") as a, relay() as running:
        for name, identity in (("one", "CP 1"), ("two", "CP%201"), ("three", "CP+1")):
            await running.run(charger(name, [(backend("a", a.url), PRIMARY)], identity=identity))
        async with (
            station(running, identity="CP 1") as one,
            station(running, identity="CP%201") as two,
            station(running, identity="CP+1") as three,
        ):
            for connected in (one, two, three):
                await connected.boot()
            assert set(a.stations) == {"CP 1", "CP%201", "CP+1"}


@pytest.mark.parametrize("offered", [("ocpp1.6", "ocpp2.0.1"), ("ocpp2.0.1", "ocpp1.6")])
async def test_a_station_that_offers_two_versions_gets_the_first_of_them_that_the_owner_speaks_too(
    offered: tuple[str, ...],
) -> None:
    async with pair() as between, station(between, offered) as connected:
        await connected.boot()
        await between.registered()
        assert connected.dialect.subprotocol == offered[0]
        assert [seen.subprotocol for seen in (*between.a.connections, *between.b.connections)] == [offered[0]] * 2
        assert between.relay.live("cp1").version == offered[0]


@pytest.mark.parametrize("offered", [("ocpp1.6", "ocpp2.0.1"), ("ocpp2.0.1", "ocpp1.6"), ("ocpp2.1", "ocpp1.6")])
@pytest.mark.parametrize("spoken", ["ocpp1.6", "ocpp2.0.1"])
async def test_an_owner_that_speaks_one_version_decides_for_a_station_that_offers_it_among_others(
    offered: tuple[str, ...], spoken: str
) -> None:
    settings = {"versions": (spoken,)}
    async with pair(versions=spoken, settings=settings) as between:
        dial = SimulatedStation("CP1", between.relay.url, offered)
        if spoken not in offered:
            with pytest.raises(ConnectionError, match="none of"):
                await dial.connect()
            return
        async with dial as connected:
            await connected.boot()
            await between.registered()
            assert connected.dialect.subprotocol == spoken
            assert [seen.offered for seen in between.a.connections] == [(spoken,)]
            between.clean(connected)


async def test_a_passive_back_end_that_does_not_speak_the_version_stays_away_and_says_why() -> None:
    async with SimulatedCsms("a") as a, SimulatedCsms("b", "ocpp2.0.1") as b, relay() as running:
        legs = [(backend("a", a.url), PRIMARY), (backend("b", b.url, versions=("ocpp2.0.1",)), PASSIVE)]
        await running.run(charger("cp1", legs))
        async with station(running, "ocpp1.6") as connected:
            await connected.boot()
            await until(lambda: running.phase("cp1", "b") is LegPhase.DOWN)
            (leg,) = [leg for leg in running.live("cp1").legs if leg.backend == "b"]
            assert "ocpp1.6" in leg.detail
            assert await connected.authorize("TAG") == "Accepted"
            assert connected.disconnects == []
            assert b.calls == []
