"""The stations' TLS door: suites, versions, mutual TLS, revocation, certificates that change, failed handshakes."""

import asyncio
import os
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidMessage
from websockets.typing import Subprotocol

from reconciler.adapters.websocket.station_tls import StationTls, TlsFiles
from reconciler.errors import FwdctlError
from tests.integration.websocket.certificates import Authority
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import Gate, limits, raw_connection, until

MANDATORY_SUITES = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",  # TLS_RSA_WITH_AES_128_GCM_SHA256
    "AES256-GCM-SHA384",
]


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> TlsFiles:
    """Return an RSA and an ECDSA pair of the same name, and the CA of stations."""
    pairs = tuple(authority.server_files(tmp_path, "localhost", rsa_key=rsa_key) for rsa_key in (True, False))
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    return TlsFiles(pairs, station_ca=ca)


def client(
    authority: Authority, shown: tuple[bytes, bytes] | None = None, folder: Path | None = None
) -> ssl.SSLContext:
    """Return a station's context, with its certificate where it has one."""
    context = ssl.create_default_context(cadata=authority.pem.decode())
    if shown is not None:
        assert folder is not None
        path = folder / "station.pem"
        path.write_bytes(b"".join(shown))
        context.load_cert_chain(path)
    return context


async def come_in(port: int, context: ssl.SSLContext) -> ClientConnection:
    """Connect as a station."""
    return await connect(f"wss://localhost:{port}/CP-1", ssl=context, subprotocols=[Subprotocol("ocpp1.6")], proxy=None)


async def refused_in_tls(port: int, context: ssl.SSLContext) -> None:
    """Connect as a station that TLS does not let in."""
    with pytest.raises((OSError, InvalidMessage)):  # the latter where TLS 1.3 was done on the station's side
        await come_in(port, context)


@pytest.mark.parametrize("suite", MANDATORY_SUITES)
async def test_every_suite_that_ocpp_makes_mandatory_is_served(
    listen: Opener, authority: Authority, files: TlsFiles, suite: str
) -> None:
    gate = Gate()
    listener = await listen(gate, tls=StationTls(files).context)
    context = client(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    async with await come_in(listener.port, context) as station:
        assert station.transport.get_extra_info("cipher")[0] == suite
        assert (gate.knocks[0].tls, gate.knocks[0].tls_version) == (True, "TLSv1.2")


def test_a_station_can_not_negotiate_anew_nor_have_tls_compress(files: TlsFiles) -> None:
    options = StationTls(files).context().options
    assert ssl.OP_NO_RENEGOTIATION in options
    assert ssl.OP_NO_COMPRESSION in options


async def test_tls_below_1_2_is_refused_and_heard_of(listen: Opener, authority: Authority, files: TlsFiles) -> None:
    refusals: list[tuple[str, str, str]] = []
    listener = await listen(Gate(), tls=StationTls(files).context, refused=lambda *what: refusals.append(what))
    context = client(authority)
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    await refused_in_tls(listener.port, context)
    ((status, remote, reason),) = refusals
    assert (status, remote.rpartition(":")[0]) == ("tls", "127.0.0.1")
    assert reason.startswith("TLS failed: ")
    assert listener.connections == 0


async def test_a_station_without_a_certificate_is_let_through_tls_for_the_admission_to_decide(
    listen: Opener, authority: Authority, files: TlsFiles
) -> None:
    gate = Gate()
    listener = await listen(gate, tls=StationTls(files).context)
    async with await come_in(listener.port, client(authority)):
        assert gate.knocks[0].certificate is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_knock_says_whose_certificate_was_shown(
    listen: Opener, authority: Authority, files: TlsFiles, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    gate = Gate()
    listener = await listen(gate, tls=StationTls(files).context)
    context = client(authority, authority.issue("SN-1", organization="Charge Co"), tmp_path)
    context.minimum_version = context.maximum_version = version
    async with await come_in(listener.port, context):
        certificate = gate.knocks[0].certificate
    assert certificate is not None
    assert (certificate.common_name, certificate.organizations) == ("SN-1", ("Charge Co",))
    assert certificate.issued_by(Authority("other").pem + authority.pem)
    assert not certificate.issued_by(Authority("fwdctl test CA").pem)  # the same name, another key
    with pytest.raises(ValueError, match="PEM"):
        certificate.issued_by(b"no certificate")


@pytest.mark.parametrize("kind", ["of another CA", "self-signed", "expired", "revoked"])
async def test_a_certificate_that_does_not_hold_ends_tls(
    listen: Opener, authority: Authority, files: TlsFiles, tmp_path: Path, kind: str
) -> None:
    good = authority.issue("SN-1")
    shown = {
        "of another CA": Authority("somebody else").issue("SN-1"),
        "self-signed": Authority("SN-1").itself,
        "expired": authority.issue("SN-1", expires_in=timedelta(days=-1)),
        "revoked": good,
    }[kind]
    crl = tmp_path / "crl.pem"
    crl.write_bytes(authority.revoke(good[0]))
    tls = StationTls(TlsFiles(files.pairs, files.station_ca, crl))
    refusals: list[str] = []
    listener = await listen(Gate(), tls=tls.context, refused=lambda status, remote, reason: refusals.append(status))
    await refused_in_tls(listener.port, client(authority, shown, tmp_path))
    assert refusals == ["tls"]
    async with await come_in(listener.port, client(authority, authority.issue("SN-2"), tmp_path)):
        assert refusals == ["tls"]


async def test_new_certificates_are_shown_to_new_stations_and_nobody_is_dropped(
    listen: Opener, authority: Authority, files: TlsFiles, tmp_path: Path
) -> None:
    gate = Gate(echo=True)
    tls = StationTls(files)
    listener = await listen(gate, tls=tls.context)
    async with await come_in(listener.port, client(authority)) as before:
        newer = Authority("newer")
        for rsa_key in (True, False):
            newer.server_files(tmp_path, "localhost", rsa_key=rsa_key)
        assert tls.reload()
        async with await come_in(listener.port, client(newer)) as after:
            for station in (before, after):
                await station.send("[2]")
                assert await station.recv() == "[2]"
        await refused_in_tls(listener.port, client(authority))


async def test_files_that_can_not_be_used_leave_the_old_certificates_in_place(
    listen: Opener, authority: Authority, files: TlsFiles
) -> None:
    tls = StationTls(files)
    listener = await listen(Gate(), tls=tls.context)
    files.pairs[0][0].write_text("half a certifi")
    assert not tls.reload()
    async with await come_in(listener.port, client(authority)):
        pass


async def test_a_file_that_changes_is_noticed(files: TlsFiles) -> None:
    tls = StationTls(files)
    older = tls.context()
    watching = asyncio.ensure_future(tls.watch(interval_s=0.005))
    os.utime(files.pairs[1][0], ns=(1, 1))
    await until(lambda: tls.context() is not older)
    newer = tls.context()
    await asyncio.sleep(0.03)
    assert tls.context() is newer  # once read, it is not read again
    watching.cancel()


async def test_a_station_that_never_speaks_tls_is_cut_off_and_counted(listen: Opener, files: TlsFiles) -> None:
    refusals: list[str] = []
    listener = await listen(
        Gate(),
        tls=StationTls(files).context,
        limits=limits(handshake_timeout_s=0.1),
        refused=lambda status, remote, reason: refusals.append(status),
    )
    async with raw_connection(listener.port) as silent:
        assert await silent.rest() == b""
    async with raw_connection(listener.port) as plain:
        plain.writer.write(b"GET /CP-1 HTTP/1.1\r\n\r\n")
        await plain.rest()
    async with raw_connection(listener.port) as leaving:
        leaving.writer.close()
        await until(lambda: not listener.connections and len(refusals) == 3)
    assert refusals == ["tls", "tls", "tls"]


async def test_tls_handshakes_count_as_handshakes(listen: Opener, files: TlsFiles) -> None:
    refusals: list[str] = []
    listener = await listen(
        Gate(),
        tls=StationTls(files).context,
        limits=limits(max_handshakes=1),
        refused=lambda status, remote, reason: refusals.append(status),
    )
    async with raw_connection(listener.port):
        await until(lambda: listener.connections)
        async with raw_connection(listener.port) as second:
            try:
                assert await second.rest() == b""
            except ConnectionResetError:  # which is as good an end
                pass
        assert refusals == ["503"]
        await listener.stop()
        assert listener.connections == 0


def test_keys_that_everybody_may_read_are_refused(files: TlsFiles) -> None:
    files.pairs[0][1].chmod(0o644)
    with pytest.raises(FwdctlError, match="everybody on this machine may read the private key") as refused:
        StationTls(files)
    assert refused.value.hint == f"chmod 600 {files.pairs[0][1]}"


def test_files_that_can_not_be_used_are_named(files: TlsFiles, tmp_path: Path) -> None:
    (rsa, rsa_key), (ecdsa, ecdsa_key) = files.pairs
    nothing = tmp_path / "nothing.pem"
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for wrong, words in [
        (TlsFiles(((rsa, ecdsa_key),)), f"{rsa} and the private key {ecdsa_key} do not load"),
        (TlsFiles(((rsa, rsa_key), (rsa, rsa_key))), "have keys of the same type"),
        (TlsFiles(((nothing, rsa_key),)), f"{nothing} can't be read"),
        (TlsFiles(((rsa, nothing),)), f"{nothing} can't be read"),
        (TlsFiles(((empty, rsa_key),)), f"{empty} holds no certificate"),
        (TlsFiles(files.pairs, station_ca=empty), f"{empty} holds no CA"),
        (TlsFiles(files.pairs, station_ca=nothing), f"{nothing} can't be read"),
    ]:
        with pytest.raises(FwdctlError) as refused:
            StationTls(wrong)
        assert words in refused.value.summary
    assert ecdsa.exists()
