"""One connection: kept while the server keeps it, dialled anew where it does not; through proxies too."""

import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn

import pytest

from reconciler.adapters.api_client.connection import ApiConnection
from reconciler.errors import FwdctlError
from tests.support.threaded_http import LoopbackServer, QuietHandler, serving

FAR = "http://fwdctl.invalid:9180"
"""A server that only a proxy would find."""


class Heard(ThreadingMixIn, LoopbackServer):
    """Answers with what was asked, and counts who dialled."""

    daemon_threads = True
    dialled = 0
    hangs_up = False
    asked: tuple[str, dict[str, str]] = ("", {})

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Count a connection."""
        self.dialled += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]


class Answering(QuietHandler):
    """Keeps its connections."""

    protocol_version = "HTTP/1.1"
    server: Heard

    def do_GET(self) -> None:
        """Answer with the target."""
        self.server.asked = (self.path, dict(self.headers))
        content = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = self.server.hangs_up

    def do_CONNECT(self) -> None:
        """Refuse a tunnel, having heard where it was to go."""
        self.server.asked = (self.path, dict(self.headers))
        self.send_error(403)


@pytest.fixture
def server() -> Iterator[Heard]:
    with serving(Heard, Answering) as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def connection(url: str) -> Iterator[ApiConnection]:
    opened = ApiConnection(url, {"X-Here": "yes"}, 5.0, None)
    try:
        yield opened
    finally:
        opened.close()


def test_calls_share_a_connection(server: Heard) -> None:
    with connection(server.url) as to_server:
        answers = [to_server.ask("GET", f"/{number}").read() for number in range(3)]

    assert answers == [b"/0", b"/1", b"/2"]
    assert server.dialled == 1
    assert server.asked[1]["X-Here"] == "yes"


def test_a_server_that_hung_up_meanwhile_is_dialled_anew(server: Heard) -> None:
    server.hangs_up = True
    with connection(server.url) as to_server:
        to_server.ask("GET", "/0").read()
        to_server._http.sock.recv(1, socket.MSG_PEEK)  # nothing: it has hung up
        assert to_server.ask("GET", "/1").read() == b"/1"

    assert server.dialled == 2


def test_an_answer_that_nobody_read_is_not_taken_for_the_next(server: Heard) -> None:
    with connection(server.url) as to_server:
        to_server.ask("GET", "/0")
        assert to_server.ask("GET", "/1").read() == b"/1"

    assert server.dialled == 2


def test_a_path_in_the_url_comes_before_every_target(server: Heard) -> None:
    with connection(f"{server.url}/behind/") as to_server:
        assert to_server.ask("GET", "/v1").read() == b"/behind/v1"


def test_a_user_in_the_url_is_told(server: Heard) -> None:
    with connection(server.url.replace("://", "://me:p%40ss@")) as to_server:
        to_server.ask("GET", "/").read()

    assert server.asked[1]["Authorization"] == f"Basic {b64encode(b'me:p@ss').decode()}"


def test_a_proxy_is_given_the_whole_url(server: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("://", "://me:pass@"))
    with connection(FAR) as to_server:
        to_server.ask("GET", "/v1/version").read()

    target, headers = server.asked
    assert target == f"{FAR}/v1/version"
    assert headers["Host"] == "fwdctl.invalid:9180"
    assert headers["Proxy-Authorization"] == f"Basic {b64encode(b'me:pass').decode()}"


def test_a_proxy_is_asked_for_a_tunnel_to_where_tls_is_spoken(server: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    with connection("https://fwdctl.invalid") as to_server, pytest.raises(OSError, match="Tunnel connection failed"):
        to_server.ask("GET", "/v1/version")

    assert server.asked[0] == "fwdctl.invalid:443"
    assert "X-Here" not in server.asked[1]  # a token is not for a proxy


def test_a_proxy_is_left_out_where_the_environment_says_so(server: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", ".invalid")
    with connection(FAR) as to_server:
        assert to_server._http.host == "fwdctl.invalid"


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://user:pass@127.0.0.1:1")
    with pytest.raises(FwdctlError, match=r"socks5://127\.0\.0\.1 can't be used for fwdctl\.invalid") as caught:
        ApiConnection(FAR, {}, 5.0, None)

    assert "pass" not in caught.value.summary
