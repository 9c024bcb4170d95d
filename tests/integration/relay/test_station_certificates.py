"""Stations of security profile 3 on the relay: their own serial number, and no way back to a lower profile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles
from reconciler.model.desired import DesiredCharger, SecretRef, Security
from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.integration.relay.support import station
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PRIMARY, Relay, backend, charger, relay

MUTUAL = Security(3, trusted_ca=SecretRef("file", "CA"))


class Site:
    """A relay with a TLS door, and a CSMS that owns the charger cp1."""

    def __init__(self, running: Relay, csms: SimulatedCsms, port: int, authority: Authority, folder: Path) -> None:
        self.relay = running
        self.csms = csms
        self.url = f"wss://localhost:{port}"
        self._authority = authority
        self._folder = folder

    def charger(self, security: Security = MUTUAL) -> DesiredCharger:
        """Return the charger's declaration."""
        declared = charger("cp1", [(backend("a", self.csms.url), PRIMARY)], security=security)
        return replace(declared, serial_number="SN-1")

    @asynccontextmanager
    async def station(self, version: str, serial: str = "SN-1") -> AsyncIterator[SimulatedStation]:
        """Connect the station with its certificate, which says SN-1 whatever it boots as."""
        context = self._authority.trusting()
        path = self._folder / "station.pem"
        path.write_bytes(b"".join(self._authority.issue("SN-1")))
        context.load_cert_chain(path)
        async with station(self.relay, version, url=self.url, ssl=context, serial=serial) as connected:
            yield connected


@pytest.fixture
async def site(authority: Authority, tmp_path: Path) -> AsyncIterator[Site]:
    """Run it."""
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    tls = StationTls(TlsFiles((authority.server_files(tmp_path, "localhost"),), ca))
    async with SimulatedCsms("a") as csms, relay({"CA": authority.pem, "PASSWORD": b"p" * 16}) as running:
        door = StationListener(running.node, host="127.0.0.1", port=0, tls=tls.context)
        await door.start()
        made = Site(running, csms, door.port, authority, tmp_path)
        await running.run(made.charger())
        yield made
        await door.stop()


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_station_that_boots_with_the_serial_number_of_its_certificate_works(site: Site, version: str) -> None:
    async with site.station(version) as connected:
        assert (await connected.boot())["status"] == "Accepted"
        assert await connected.authorize("TAG") == "Accepted"


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_station_that_boots_as_another_is_closed_and_no_back_end_hears_of_it(site: Site, version: str) -> None:
    async with site.station(version, serial="SN-2") as connected:
        with pytest.raises(ConnectionError):
            await connected.boot()
        closed = await connected.wait_disconnected()
    assert (closed.code, closed.reason) == (1008, "the serial number is not that of the certificate")
    assert [call.action for call in site.csms.calls] == []
    assert [event.kind for event in site.relay.recorder.events].count("serial-mismatch") == 1


async def test_a_charger_that_came_in_with_profile_3_does_not_come_in_with_less(site: Site) -> None:
    async with site.station("ocpp2.0.1"):
        pass
    assert site.relay.recorder.memories["cp1"].profile == 3
    password = SecretRef("env", "PASSWORD")
    for security in (Security(), Security(1, password=password), Security(2, password=password)):
        await site.relay.run(site.charger(security))
        url = site.relay.url if security.profile < 2 else site.url
        secured = None if security.profile < 2 else site._authority.trusting()
        with pytest.raises(HandshakeRefused) as refused:
            await SimulatedStation("CP1", url, "ocpp2.0.1", password=b"p" * 16, ssl=secured).connect()
        assert refused.value.status == 403
    await site.relay.run(site.charger(Security(2, password=password, allow_downgrade_from=3)))
    trusting = site._authority.trusting()
    with pytest.raises(HandshakeRefused):  # OCPP 1.6 knows no way down
        await SimulatedStation("CP1", site.url, "ocpp1.6", password=b"p" * 16, ssl=trusting).connect()
    async with station(site.relay, "ocpp2.0.1", url=site.url, password=b"p" * 16, ssl=trusting) as connected:
        assert (await connected.boot())["status"] == "Accepted"
