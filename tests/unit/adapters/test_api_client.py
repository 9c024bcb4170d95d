"""What the client makes of answers, of errors, and of nobody answering; over real sockets."""

import io
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.adapters.api_client import ApiClient
from reconciler.app.api_contract import error_to_json
from reconciler.errors import FwdctlError, ServerUnreachable, StalePlan
from tests.support.threaded_http import LoopbackServer, QuietHandler, serving


class CannedServer(LoopbackServer):
    """Answers every request with `status` and `body`, and keeps what was asked."""

    status = 200
    body: bytes = b'{"format_version": "1.0"}'
    headers: dict[str, str]
    path = ""
    promised: int | None = None
    """The length that is told, where it is not the body's."""

    def answer(self, status: int, body: Any) -> None:
        """Set the answer to the next requests."""
        self.status, self.body = status, body if isinstance(body, bytes) else json.dumps(body).encode()


class Handler(QuietHandler):
    """Gives the canned answer."""

    server: CannedServer

    def do_GET(self) -> None:
        """Answer a GET."""
        self.server.headers, self.server.path = dict(self.headers), self.path
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.promised or len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET


@pytest.fixture
def server() -> Iterator[CannedServer]:
    with serving(CannedServer, Handler) as server:
        yield server


def test_an_answer_comes_back_as_it_was_written(server: CannedServer) -> None:
    server.answer(200, {"format_version": "1.7", "version": "0.1.0", "added": "later"})
    with ApiClient(server.url) as api:
        assert api.version() == {"format_version": "1.7", "version": "0.1.0", "added": "later"}


def test_the_token_goes_along(server: CannedServer) -> None:
    with ApiClient(server.url, "t0ken\n") as api:
        api.version()
    assert server.headers["Authorization"] == "Bearer t0ken"


def test_what_was_not_asked_for_is_not_in_the_query(server: CannedServer) -> None:
    with ApiClient(server.url) as api:
        api.history(charger="cp001")
    assert server.path == "/v1/history?charger=cp001&limit=100"


def test_an_id_cannot_become_another_path(server: CannedServer) -> None:
    with ApiClient(server.url) as api:
        api.apply_state("../lock?x=")
    assert server.path.startswith("/v1/applies/..%2Flock%3Fx%3D?")


def test_an_error_is_raised_as_the_server_raised_it(server: CannedServer) -> None:
    server.answer(409, error_to_json(StalePlan("charger.cp001 changed", hint="plan again")))
    with ApiClient(server.url) as api, pytest.raises(StalePlan, match=r"charger\.cp001 changed") as caught:
        api.start_apply({})
    assert (caught.value.exit_code, caught.value.hint) == (6, "plan again")


def test_nobody_listening_is_said_with_the_url_and_the_command_that_helps() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with ApiClient(f"http://127.0.0.1:{port}") as api, pytest.raises(ServerUnreachable) as caught:
        api.version()
    assert caught.value.summary == f"no fwdctl server at http://127.0.0.1:{port}: connection refused"
    assert caught.value.hint == "start one: fwdctl serve"


def test_a_server_that_does_not_answer_is_given_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with ApiClient(url, timeout_s=0.05) as api, pytest.raises(ServerUnreachable, match="in time"):
            api.version()


@pytest.mark.parametrize("body", [b"<html>a router</html>", b'{"version": 1}', b"[]", b'{"format_version": "2.0"}'])
def test_what_speaks_another_language_is_recognised(server: CannedServer, body: bytes) -> None:
    server.answer(200, body)
    with ApiClient(server.url) as api, pytest.raises(ServerUnreachable, match="no admin API"):
        api.version()


@pytest.mark.parametrize("url", ["127.0.0.1:9180", "http://[::1", "ftp://host", "http://host:port", ""])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(FwdctlError, match="is not a URL"), ApiClient(url) as api:
        api.version()


def test_a_proxy_is_never_asked_for_our_own_machine(server: CannedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with ApiClient(server.url) as api:
        assert api.version() == {"format_version": "1.0"}


@pytest.mark.parametrize("token", ["t0\nken", "t0kén"])
def test_what_can_be_no_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(FwdctlError, match="no token has") as caught:
        ApiClient(token=token)
    assert token not in f"{caught.value.summary}{caught.value.hint}"


def test_half_an_upload_is_none(server: CannedServer) -> None:
    server.answer(200, b"half")
    server.promised = 8
    into = io.BytesIO()
    with ApiClient(server.url) as api, pytest.raises(ServerUnreachable, match="4 more expected"):
        api.download("u1", into)
    assert into.getvalue() == b"half"
