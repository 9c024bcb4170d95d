"""Where the admin API may listen, and how long it waits for a request."""

import asyncio
import socket
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from reconciler.adapters.admin_api import server
from reconciler.adapters.admin_api.door import bind_admin, is_loopback
from reconciler.adapters.admin_api.server import AdminServer
from reconciler.errors import FwdctlError
from tests.integration.websocket.certificates import Authority


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate and its key."""
    return Authority("test CA").server_files(tmp_path, "localhost")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_is_this_machine_only(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example", ""])
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_without_a_token_only_loopback_may_be_bound() -> None:
    with pytest.raises(FwdctlError, match="open to everybody on 0\\.0\\.0\\.0") as caught:
        bind_admin("0.0.0.0", 0, token=None)
    assert "FWDCTL_ADMIN_TOKEN" in caught.value.hint


def test_without_tls_a_token_is_not_enough_off_loopback() -> None:
    with pytest.raises(FwdctlError, match="in the clear to the admin API on 0\\.0\\.0\\.0") as caught:
        bind_admin("0.0.0.0", 0, token="t0ken")
    assert "--admin-tls-cert" in caught.value.hint


def test_with_a_token_and_tls_any_address_may_be_bound(pair: tuple[Path, Path]) -> None:
    with bind_admin("0.0.0.0", 0, token="t0ken", tls=pair) as listening:
        assert listening.getsockname()[1] > 0
    with pytest.raises(FwdctlError, match="open to everybody"):
        bind_admin("0.0.0.0", 0, token=None, tls=pair)


def test_tls_files_that_can_not_be_used_are_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    for wrong in ((tmp_path / "none", key), (certificate, tmp_path / "none")):
        with pytest.raises(FwdctlError, match="can't be used"):
            bind_admin("127.0.0.1", 0, token=None, tls=wrong)
    key.chmod(0o604)
    with pytest.raises(FwdctlError, match="everybody on this machine may read"):
        bind_admin("127.0.0.1", 0, token=None, tls=pair)


def test_a_taken_port_is_said_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FwdctlError, match=f"127\\.0\\.0\\.1:{port}"):
            bind_admin("127.0.0.1", port, token=None)


@pytest.mark.parametrize("first", [b"", b"GET /healthz HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT"])
async def test_a_client_that_does_not_finish_its_request_s_head_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(server, "HEAD_WITHIN_S", 0.2)

    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    listening = bind_admin("127.0.0.1", 0, token=None)
    running = AdminServer(hello, listening)
    serving = asyncio.ensure_future(running.run_until_stopped())
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(first)
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 200" if b"\r\n\r\n" in first else b"")
    writer.close()
    running.stop()
    await serving
