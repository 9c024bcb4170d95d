"""The CSMS as a server: who may come in, what it keeps, how it commands, and wss."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reconciler.testing import CallFailed, HandshakeRefused, SimulatedCsms, SimulatedStation
from reconciler.testing.recording import Closed


@pytest.mark.parametrize(
    ("identity", "password", "status"),
    [("A", "right", 101), ("A", "wrong", 401), ("A", None, 401), ("B", "right", 404)],
)
async def test_who_may_come_in(csms: SimulatedCsms, identity: str, password: str | None, status: int) -> None:
    csms.identities, csms.password = {"A"}, "right"
    station = SimulatedStation(identity, csms.url, password=password)
    if status == 101:
        await station.connect()
        await csms.wait_connected("A")
        await station.disconnect()
    else:
        with pytest.raises(HandshakeRefused) as refused:
            await station.connect()
        assert refused.value.status == status
    [record] = csms.connections
    assert (record.identity, record.status) == (identity, status)
    assert (record.authorization is None) == (password is None)
    assert ("Upgrade", "websocket") in record.headers


async def test_a_url_without_an_identity_is_unknown(csms: SimulatedCsms) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        await SimulatedStation("", f"ws://127.0.0.1:{csms.port}").connect()
    assert refused.value.status == 404


async def test_it_comes_back_on_the_same_port_with_its_books(csms: SimulatedCsms) -> None:
    url = csms.url
    async with SimulatedStation("A", url, reconnect_after_s=0.01) as station:
        charging = await station.start_transaction(1, "T")
        await csms.stop(1012, "restart")
        assert (await station.wait_disconnected()).code == 1012
        await csms.start()
        assert csms.url == url
        await station.wait_connected()
        await station.stop_transaction(charging)
    assert csms.transactions[700].stopped
    assert csms.connections[0].closed == Closed(1012, "restart", asked_for=True)
    assert csms.violations == []


async def test_two_stations_may_use_the_same_ids(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as a, SimulatedStation("B", csms.url) as b:
        await a.call("Heartbeat", {}, message_id="1")
        await b.call("Heartbeat", {}, message_id="1")
        assert sorted(csms.stations) == ["A", "B"]
        first, second = await a.start_transaction(1, "T"), await b.start_transaction(1, "T")
    assert (first.id, second.id) == (700, 701)
    assert {t.identity for t in csms.transactions.values()} == {"A", "B"}
    assert csms.raw("received", "A") == a.raw("sent")
    assert csms.violations == []


async def test_the_newer_of_two_connections_wins_and_that_is_a_violation(csms: SimulatedCsms) -> None:
    older, newer = SimulatedStation("A", csms.url), SimulatedStation("A", csms.url)
    await older.connect()
    await csms.wait_connected("A")
    await newer.connect()
    assert (await older.wait_disconnected()).code == 1008
    await csms.until(lambda: csms.connections[0].closed is not None)
    assert await csms.call("A", "ClearCache", {}) == {"status": "Accepted"}
    assert len(newer.commands) == 1
    await newer.disconnect()
    assert [v.rule for v in csms.violations] == ["a second connection while one is open"]


async def test_commanding_who_is_not_there_says_who_is(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url):
        await csms.wait_connected("A")
        with pytest.raises(ConnectionError, match=r"B is not connected to csms; A is"):
            await csms.call("B", "ClearCache", {})


async def test_a_message_id_can_be_chosen(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await csms.wait_connected("A")
        await csms.call("A", "ClearCache", {}, "mine")
        assert station.commands[0].raw == b'[2,"mine","ClearCache",{}]'
        await csms.send_raw("A", '[2, "raw", "ClearCache", {}]')
        await csms.until(lambda: b'[3,"raw",{"status":"Accepted"}]' in csms.raw("received"))
    assert csms.violations == []


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.1"])
async def test_a_transaction_that_nobody_started_is_a_violation(csms: SimulatedCsms, version: str) -> None:
    async with SimulatedStation("A", csms.url, version) as station, SimulatedStation("B", csms.url, version) as other:
        charging = await station.start_transaction(1, "T")
        charging.id = 4711 if version == "ocpp1.6" else "4711"
        await station.meter(charging, 5)
        others = await other.start_transaction(1, "T")
        charging.id = others.id
        await station.stop_transaction(charging)
    assert [v.rule for v in csms.violations] == [
        f"transaction {4711 if version == 'ocpp1.6' else '4711'!r} is unknown here",
        f"transaction {others.id!r} is unknown here",
    ]
    assert not csms.transactions[others.id].stopped


async def test_waiting_for_a_station_names_it(csms: SimulatedCsms) -> None:
    with pytest.raises(TimeoutError, match=r"A to connect to csms"):
        await csms.wait_connected("A", timeout_s=0.01)


async def test_compression_and_pings_change_no_byte() -> None:
    data = "x" * 20_000
    async with (
        SimulatedCsms(compression=True, ping_interval_s=0.01) as csms,
        SimulatedStation("A", csms.url, compression=True, ping_interval_s=0.01) as station,
    ):
        await station.data_transfer("v", data=data)
        assert csms.calls[0].payload["data"] == data
        assert csms.raw("received") == station.raw("sent")


async def test_wss_with_a_password(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.create_default_context(cafile=str(certificate))
    async with (
        SimulatedCsms(ssl=server, password="secret") as csms,
        SimulatedStation("A", csms.url, ssl=client, password="secret") as station,
    ):
        assert csms.url.startswith("wss://")
        assert (await station.boot())["status"] == "Accepted"
        with pytest.raises(CallFailed):
            await csms.call("A", "CertificateSigned", {"certificateChain": "x"})
        stranger = SimulatedStation("A", csms.url, ssl=ssl.create_default_context(), password="secret")
        with pytest.raises(ssl.SSLCertVerificationError):
            await stranger.connect()


def self_signed(folder: Path) -> Path:
    """Write a throw-away certificate for 127.0.0.1 with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "csms.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
