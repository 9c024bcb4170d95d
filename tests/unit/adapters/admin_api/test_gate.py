"""Who comes in through the gate, and what a failure behind it tells the one outside."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from reconciler.adapters.admin_api.gate import Gate
from reconciler.adapters.admin_api.request_limits import CALLS, MAX_REQUEST_BYTES, WRONG_TOKENS
from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.app.access_tokens import AccessTokens
from reconciler.app.admin_access import AdminAccess, admin_access
from reconciler.app.ports import Metrics
from reconciler.app.security_events import SecurityEvents
from reconciler.model.history import HistoryEvent
from tests.support.clock import FakeClock
from tests.support.relay import Tally
from tests.support.token_store import KeptTokens


async def hello(_request: Request) -> PlainTextResponse:
    """Answer."""
    return PlainTextResponse("hello")


async def broken(_request: Request) -> PlainTextResponse:
    """Fail with something that nobody outside may read."""
    raise RuntimeError("password=hunter2")


ROUTES = [
    Route("/v1/status", hello),
    Route("/healthz", hello),
    Route("/broken", broken),
    Route("/v1/plan", hello, methods=["POST"]),
    Route("/v1/toggles", hello, methods=["POST"]),
]


def gated(access: AdminAccess, metrics: Metrics) -> Starlette:
    """Return a small application behind a gate."""
    return Starlette(routes=ROUTES, middleware=[Middleware(Gate, access=access, metrics=metrics)])


def guard(
    token: str | None, record: Callable[[HistoryEvent], None] = lambda event: None, clock: FakeClock | None = None
) -> AdminAccess:
    """Return what guards an API whose server has this token, and has given none."""
    clock = clock or FakeClock()
    tokens = AccessTokens(KeptTokens(), clock, lambda: "id", lambda: "secret")
    security = SecurityEvents(record, Tally(), lambda event, **fields: None, clock)
    return admin_access(
        tokens, clock, server_token=token, new_secret=lambda: secrets.token_hex(8), record=record, security=security
    )


def client(token: str | None = None, base_url: str = "http://127.0.0.1:9180") -> httpx.AsyncClient:
    """Return a client of the application behind its gate."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(gated(guard(token), PrometheusMetrics())), base_url=base_url)


class TestWithoutToken:
    """On loopback, for programs of this machine."""

    @pytest.mark.parametrize("host", ["127.0.0.1:9180", "localhost:9180", "[::1]:9180", "LOCALHOST", "127.0.0.1"])
    async def test_a_loopback_name_is_let_in(self, host: str) -> None:
        async with client() as api:
            assert (await api.get("/v1/status", headers={"Host": host})).status_code == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:9180", "", "[::1", "a@localhost.x"]
    )
    async def test_any_other_name_is_refused_as_it_may_have_been_rebound(self, host: str) -> None:
        async with client() as api:
            answer = await api.get("/v1/status", headers={"Host": host})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "not-authorised")

    async def test_a_token_that_is_given_is_checked_even_where_none_is_needed(self) -> None:
        async with client() as api:
            answer = await api.get("/v1/status", headers={"Authorization": "Bearer wrong"})
        assert (answer.status_code, answer.json()["error"]["summary"]) == (401, "wrong token")

    async def test_a_foreign_web_page_is_refused(self) -> None:
        async with client() as api:
            answer = await api.post("/v1/plan", headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403

    async def test_our_own_page_is_let_in(self) -> None:
        async with client() as api:
            assert (await api.post("/v1/plan", headers={"Origin": "http://127.0.0.1:9180"})).status_code == 200


class TestWithToken:
    """Everybody needs it, whatever the Host header says."""

    async def test_the_token_lets_in_under_any_name(self) -> None:
        async with client("t0ken", "http://fwdctl.example") as api:
            assert (await api.get("/v1/status", headers={"Authorization": "Bearer t0ken"})).status_code == 200

    @pytest.mark.parametrize("given", [None, "Bearer wrong", "Bearer ", "t0ken2", "Basic t0ken", "Bearer t0ké"])
    async def test_without_it_nobody_is_let_in(self, given: str | None) -> None:
        headers = {} if given is None else {"Authorization": given.encode()}
        async with client("t0ken") as api:
            answer = await api.get("/v1/status", headers=headers)
        assert (answer.status_code, answer.json()["error"]["exit_code"]) == (401, 8)
        assert "t0ken" not in answer.text

    async def test_the_health_check_needs_none(self) -> None:
        async with client("t0ken") as api:
            assert (await api.get("/healthz")).status_code == 200


async def test_a_request_larger_than_the_bound_is_refused_unread() -> None:
    async with client() as api:
        answer = await api.post("/v1/plan", headers={"Content-Length": str(MAX_REQUEST_BYTES + 1)})
    assert answer.status_code == 413


async def test_a_request_that_does_not_say_its_length_is_refused() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"

    async with client() as api:
        assert (await api.post("/v1/plan", content=endless())).status_code == 411


async def test_a_failure_behind_the_gate_tells_only_a_reference_and_logs_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with client() as api:
        answer = await api.get("/broken")
    error: dict[str, Any] = answer.json()["error"]
    reference = error["summary"].removeprefix("the server failed unexpectedly (reference ").removesuffix(")")
    assert (answer.status_code, len(reference), "hunter2" in answer.text) == (500, 8, False)
    assert reference in capsys.readouterr().out


async def test_requests_are_counted_by_route_and_status() -> None:
    metrics = PrometheusMetrics()
    transport = httpx.ASGITransport(gated(guard("t0ken"), metrics))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        await api.get("/healthz")
        await api.get("/v1/anything/at/all")
    assert b'fwdctl_api_requests_total{route="none",status="401"} 1.0' in metrics.exposition()


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "9" * 5000])
async def test_a_length_that_is_none_is_refused(length: str) -> None:
    async with client() as api:
        answer = await api.post("/v1/plan", headers={"Content-Length": length})
    assert answer.status_code in (400, 413)


async def test_a_caller_that_asks_too_often_is_told_to_wait_and_others_are_not() -> None:
    clock = FakeClock()
    transport = httpx.ASGITransport(gated(guard("t0ken", clock=clock), PrometheusMetrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        headers = {"Authorization": "Bearer t0ken"}
        for _ in range(CALLS.burst):
            assert (await api.get("/v1/status", headers=headers)).status_code == 200
        refused = await api.get("/v1/status", headers=headers)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert (await api.get("/healthz")).status_code == 200
        clock.advance(1)
        assert (await api.get("/v1/status", headers=headers)).status_code == 200


async def test_wrong_tokens_are_limited_by_address_and_a_right_one_is_let_in_meanwhile() -> None:
    transport = httpx.ASGITransport(gated(guard("t0ken"), PrometheusMetrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        wrong = {"Authorization": "Bearer wrong"}
        statuses = [(await api.get("/v1/status", headers=wrong)).status_code for _ in range(WRONG_TOKENS.burst + 1)]
        assert statuses == [401] * WRONG_TOKENS.burst + [429]
        assert (await api.get("/v1/status", headers={"Authorization": "Bearer t0ken"})).status_code == 200


async def test_changes_are_written_down_with_their_caller_and_status_and_questions_are_not() -> None:
    events: list[HistoryEvent] = []
    transport = httpx.ASGITransport(gated(guard("t0ken", events.append), PrometheusMetrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        headers = {"Authorization": "Bearer t0ken"}
        await api.get("/v1/status", headers=headers)
        await api.post("/v1/plan", headers=headers)
        await api.post("/v1/toggles", headers={"Authorization": "Bearer wrong"})
        await api.post("/v1/toggles", headers=headers)
    assert [(event.kind, event.actor, event.summary) for event in events] == [
        ("security-event", "", "admin-login-failed: POST /v1/toggles"),
        ("api-call", "server token", "POST /v1/toggles was answered 200"),
    ]


async def test_a_body_that_comes_in_drops_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.adapters.admin_api.gate.BODY_WITHIN_S", 0.0)
    heard: list[str] = []

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])

    async def silent() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def unheard(message: Message) -> None: ...

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")], "client": None}
    await Gate(reading, access=guard(None), metrics=PrometheusMetrics())(scope, silent, unheard)
    assert heard == ["http.disconnect"]
