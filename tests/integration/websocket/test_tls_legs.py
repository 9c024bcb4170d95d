"""CSMS legs over TLS: who is trusted, who is not, and what is said about it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from reconciler.adapters.secrets import ServerSecrets
from reconciler.adapters.websocket import WebSocketDialer
from reconciler.app.legs import DialFailed
from reconciler.model.desired import SecretRef, Security
from tests.integration.websocket.certificates import Authority
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import BRISK, Gate, RawPeer, Sink, Vault, constantly, dial_to, raw_csms

CA = SecretRef("file", "ca")
PASSWORD = SecretRef("env", "password")
CERTIFICATE = SecretRef("file", "certificate")
KEY = SecretRef("file", "key")
BASIC = Security(2, password=PASSWORD, trusted_ca=CA)
MUTUAL = Security(3, trusted_ca=CA, certificate=CERTIFICATE, private_key=KEY)


@asynccontextmanager
async def csms(context: ssl.SSLContext, subjects: list[object] | None = None) -> AsyncIterator[int]:
    """Run websockets' own server over TLS, echoing; `subjects` takes the clients' certificates."""

    async def echo(connection: ServerConnection) -> None:
        if subjects is not None:
            certificate = connection.transport.get_extra_info("peercert")
            subjects.append(certificate["subject"][0][0][1])
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, ssl=context, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        yield int(server.sockets[0].getsockname()[1])


@asynccontextmanager
async def plain_tls(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Run OpenSSL's own handshake for one connection, with all its alerts."""

    def serve_one(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with tls:
            with pytest.raises(ssl.SSLError):
                tls.do_handshake()
            with suppress(OSError):  # the alert is out; a close before all is read would overtake it
                tls.shutdown(socket.SHUT_WR)
                while tls.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.ensure_future(asyncio.to_thread(serve_one, listening))
        yield int(listening.getsockname()[1])
        await serving


async def refused(url: str, security: Security, vault: Vault) -> str:
    """Dial, expecting that it fails, and return the reason."""
    with pytest.raises(DialFailed) as failed:
        await WebSocketDialer(vault, BRISK).dial(dial_to(url, security=security), Sink())
    assert failed.value.status is None
    return failed.value.reason


async def test_a_csms_with_the_right_certificate_is_trusted(authority: Authority, tmp_path: Path) -> None:
    vault = Vault(ca=authority.pem, password=b"secret")
    async with csms(authority.server_context(tmp_path, "localhost")) as port:
        sink = Sink()
        leg = await WebSocketDialer(vault, BRISK).dial(dial_to(f"wss://localhost:{port}", security=BASIC), sink)
        leg.send(b"[2]" * 100_000)
        assert await sink.frame() == b"[2]" * 100_000
        leg.close(1000, "done")
        assert await sink.closed() == (1000, "done")


async def test_an_address_is_checked_against_the_certificate_too(authority: Authority, tmp_path: Path) -> None:
    vault = Vault(ca=authority.pem, password=b"secret")
    async with csms(authority.server_context(tmp_path, "127.0.0.1")) as port:
        sink = Sink()
        leg = await WebSocketDialer(vault, BRISK).dial(dial_to(f"wss://127.0.0.1:{port}", security=BASIC), sink)
        leg.close(1000, "")
        await sink.closed()


@pytest.mark.parametrize(
    ("host", "days", "reason"),
    [
        ("other.example", 1, "certificate of localhost is for another name"),
        ("localhost", -1, "certificate of localhost has expired"),
    ],
)
async def test_a_wrong_certificate_is_refused_in_words(
    authority: Authority, tmp_path: Path, host: str, days: int, reason: str
) -> None:
    context = authority.server_context(tmp_path, host, expires_in=timedelta(days=days))
    vault = Vault(ca=authority.pem, password=b"secret")
    async with csms(context) as port:
        assert await refused(f"wss://localhost:{port}", BASIC, vault) == reason


async def test_a_certificate_of_another_ca_is_refused(authority: Authority, tmp_path: Path) -> None:
    context = Authority("somebody else").server_context(tmp_path, "localhost")
    async with csms(context) as port:
        for security in (BASIC, Security(2, password=PASSWORD)):  # by the given CA, and by the system's
            reason = await refused(f"wss://localhost:{port}", security, Vault(ca=authority.pem, password=b"secret"))
            assert reason == "certificate of localhost is signed by a CA that is not trusted"


async def test_a_self_signed_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    own = Authority("localhost")
    context = own.server_context(tmp_path, "localhost")
    chain = tmp_path / "chain.pem"
    certificate, key = own.issue("localhost")
    chain.write_bytes(certificate + own.pem + key)
    context.load_cert_chain(chain)
    async with csms(context) as port:
        reason = await refused(f"wss://localhost:{port}", BASIC, Vault(ca=authority.pem, password=b"secret"))
    assert reason == "certificate of localhost is self-signed, or signed by a CA that is not trusted"


async def test_a_csms_below_the_least_tls_version_is_refused(authority: Authority, tmp_path: Path) -> None:
    context = authority.server_context(tmp_path, "localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    security = Security(2, min_tls_version="1.3", password=PASSWORD, trusted_ca=CA)
    async with plain_tls(context) as port:
        reason = await refused(f"wss://localhost:{port}", security, Vault(ca=authority.pem, password=b"secret"))
    assert reason == "TLS with localhost failed: tlsv1 alert protocol version"


async def test_a_port_that_does_not_speak_tls_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reason = await refused(f"wss://localhost:{port}", Security(2, password=PASSWORD), Vault(password=b"secret"))
    assert reason == "localhost does not speak TLS on this port"


async def test_the_clients_certificate_is_shown_in_profile_3(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("SN-0001")
    vault = Vault(ca=authority.pem, certificate=certificate, key=key)
    subjects: list[object] = []
    async with csms(authority.server_context(tmp_path, "localhost", verify_clients=True), subjects) as port:
        dialer = WebSocketDialer(vault, BRISK)
        for _ in range(2):
            sink = Sink()
            leg = await dialer.dial(dial_to(f"wss://localhost:{port}", security=MUTUAL), sink)
            leg.close(1000, "")
            await sink.closed()
        assert dialer._context.cache_info().misses == 1  # the second dial used the same TLS context
    assert subjects == ["SN-0001", "SN-0001"]
    assert ("key", "CP-1") in vault.asked


async def test_files_that_change_count_at_the_next_dial(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()

    def write(serial: str, ca: bytes) -> None:
        certificate, key = authority.issue(serial)
        for name, content in (("ca", ca), ("certificate", certificate), ("key", key)):
            (tmp_path / "secrets" / name).write_bytes(content)

    dialer, subjects = WebSocketDialer(ServerSecrets(tmp_path / "secrets", {}), BRISK), list[object]()
    async with csms(authority.server_context(tmp_path, "localhost", verify_clients=True), subjects) as port:
        request = dial_to(f"wss://localhost:{port}", security=MUTUAL)
        for serial in ("SN-1", "SN-2"):
            write(serial, authority.pem)
            (await dialer.dial(request, Sink())).close(1000, "")
        write("SN-3", Authority("another").pem)
        with pytest.raises(DialFailed, match="not trusted") as failed:
            await dialer.dial(request, Sink())
    assert failed.value.untrusted
    assert subjects == ["SN-1", "SN-2"]


async def test_a_client_certificate_that_the_csms_refuses_is_told(authority: Authority, tmp_path: Path) -> None:
    certificate, key = Authority("somebody else").issue("SN-0001")
    vault = Vault(ca=authority.pem, certificate=certificate, key=key)
    context = authority.server_context(tmp_path, "localhost", verify_clients=True)
    async with plain_tls(context) as port:
        reason = await refused(f"wss://localhost:{port}", MUTUAL, vault)
        assert reason == "TLS with localhost failed: tlsv1 alert unknown ca"
    async with csms(context) as port:  # asyncio's server hangs up without saying why
        reason = await refused(f"wss://localhost:{port}", MUTUAL, vault)
        assert reason == (
            f"localhost:{port} closed the connection without an answer; it may have refused the client certificate"
        )


async def test_a_csms_that_hangs_up_during_tls_is_told() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reason = await refused(f"wss://localhost:{port}", Security(2, password=PASSWORD), Vault(password=b"secret"))
    assert reason == f"localhost:{port} closed the connection during the TLS handshake"


async def test_credentials_that_do_not_fit_are_told_without_being_shown(authority: Authority) -> None:
    certificate, key = authority.issue("SN-0001")
    other_key = authority.issue("SN-0002")[1]
    for ca, shown, private, wrong in [
        (b"no certificate", certificate, key, "the trusted CA is no PEM certificate"),
        (authority.pem, certificate, other_key, "certificate and its private key do not load"),
        (authority.pem, b"-", key, "certificate and its private key do not load"),
    ]:
        reason = await refused("wss://localhost:1", MUTUAL, Vault(ca=ca, certificate=shown, key=private))
        assert reason.startswith("TLS credentials of back-end csms: ")
        assert wrong in reason
        assert "BEGIN" not in reason


async def test_profile_3_without_a_certificate_is_told(authority: Authority) -> None:
    reason = await refused("wss://localhost:1", Security(3, trusted_ca=CA), Vault(ca=authority.pem))
    assert reason == "back-end csms has security profile 3 but no certificate and private key"


async def test_a_message_too_big_ends_a_tls_leg_cleanly(listen: Opener, authority: Authority, tmp_path: Path) -> None:
    gate = Gate()
    listener = await listen(gate, tls=constantly(authority.server_context(tmp_path, "localhost")))
    vault = Vault(ca=authority.pem, password=b"secret")
    station = Sink()
    leg = await WebSocketDialer(vault, BRISK).dial(dial_to(f"wss://localhost:{listener.port}", security=BASIC), station)
    sink, _ = await gate.session()
    leg.send(b"x" * 3_000_000)
    assert (await station.closed())[0] == 1009
    assert (await sink.closed())[0] == 1009


async def test_a_tls_leg_that_is_reset_is_told(listen: Opener, authority: Authority, tmp_path: Path) -> None:
    gate = Gate()
    listener = await listen(gate, tls=constantly(authority.server_context(tmp_path, "localhost")))
    sink = Sink()
    vault = Vault(ca=authority.pem, password=b"secret")
    await WebSocketDialer(vault, BRISK).dial(dial_to(f"wss://localhost:{listener.port}", security=BASIC), sink)
    _, leg = await gate.session()
    leg._transport.abort()  # type: ignore[attr-defined]
    assert (await sink.closed())[0] == 1006


async def test_a_station_that_never_finishes_tls_does_not_hold_the_door(
    listen: Opener, authority: Authority, tmp_path: Path
) -> None:
    listener = await listen(Gate(), tls=constantly(authority.server_context(tmp_path, "localhost")))
    with socket.create_connection(("127.0.0.1", listener.port)):
        vault = Vault(ca=authority.pem, password=b"secret")
        sink = Sink()
        leg = await WebSocketDialer(vault, BRISK).dial(
            dial_to(f"wss://localhost:{listener.port}", security=BASIC), sink
        )
        leg.close(1000, "")
        await sink.closed()


async def test_the_password_is_never_sent_to_a_csms_that_is_not_trusted(authority: Authority) -> None:
    seen: list[bytes] = []

    def note(peer: RawPeer, head: bytes) -> None:
        seen.append(head)

    async with raw_csms(note) as port:  # no TLS: whatever arrives in clear is seen
        await refused(f"ws://localhost:{port}", BASIC, Vault(ca=authority.pem, password=b"secret"))
    assert seen == []
