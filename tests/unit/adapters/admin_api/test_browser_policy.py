"""Browsers: sessions by cookie, forged requests, foreign pages, headers, and who is sent to the login page."""

from typing import Any

import httpx
import pytest

from reconciler.adapters.admin_api.browser_policy import LOGIN_PATH, STATIC_PATH
from reconciler.app.admin_access import AdminAccess
from reconciler.model.access import Access, Caller
from tests.support.relay import Tally
from tests.unit.adapters.admin_api.test_gate import gated, guard

ANN = Caller("ann", Access.OPERATOR)
SERVER = "https://fwdctl.example"


def browser(access: AdminAccess, **headers: str) -> httpx.AsyncClient:
    """Return a client as a browser is one."""
    transport = httpx.ASGITransport(gated(access, Tally()))
    return httpx.AsyncClient(transport=transport, base_url=SERVER, headers=headers)


@pytest.fixture
def access() -> AdminAccess:
    """What guards an API whose server has a token."""
    return guard("t0ken")


def logged_in(access: AdminAccess) -> dict[str, str]:
    """Return the cookie header of a new session, and its CSRF token."""
    cookie, session = access.sessions.begin(ANN)
    return {"Cookie": f"__Host-fwdctl={cookie}", "X-CSRF-Token": session.csrf_token}


async def test_a_session_reads_with_its_cookie_and_changes_with_its_csrf_token_too(access: AdminAccess) -> None:
    both = logged_in(access)
    cookie = {"Cookie": both["Cookie"]}
    async with browser(access) as page:
        assert (await page.get("/v1/status", headers=cookie)).status_code == 200
        assert (await page.post("/v1/toggles", headers=both)).status_code == 200
        forged = await page.post("/v1/toggles", headers=cookie)
        guessed = await page.post("/v1/toggles", headers=cookie | {"X-CSRF-Token": "guessed"})
        nobody = await page.get("/v1/status")
        plain = await page.get("/v1/status", headers={"Cookie": cookie["Cookie"].removeprefix("__Host-")})
    assert [answer.status_code for answer in (forged, guessed, nobody, plain)] == [403, 403, 401, 401]
    assert "X-CSRF-Token" in forged.json()["error"]["summary"]


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://fwdctl.example.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_origin_s_page_is_refused_even_with_everything_else_right(
    access: AdminAccess, foreign: dict[str, str]
) -> None:
    async with browser(access, **logged_in(access)) as page:
        assert (await page.post("/v1/toggles", headers=foreign)).status_code == 403
        assert (await page.get("/v1/status", headers=foreign)).status_code == 403
        own = {"Origin": SERVER, "Sec-Fetch-Site": "same-origin"}
        assert (await page.post("/v1/toggles", headers=own)).status_code == 200


async def test_no_answer_allows_another_origin(access: AdminAccess) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with browser(access, Authorization="Bearer t0ken") as page:
        answers = [
            await page.options("/v1/status", headers=asked),
            await page.get("/v1/status", headers=asked),
            await page.get("/none", headers=asked),
        ]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/v1/status", "/none", "/broken"])
async def test_every_answer_has_the_security_headers_refusals_and_failures_too(access: AdminAccess, path: str) -> None:
    for headers in ({"Authorization": "Bearer t0ken"}, {}):
        async with browser(access, **headers) as page:
            answer = await page.get(path)
        expected: dict[str, Any] = {
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
            "cross-origin-resource-policy": "same-origin",
        }
        assert {name: answer.headers.get(name) for name in expected} == expected
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_a_browser_without_a_session_is_sent_to_the_login_page_which_is_open_with_its_files(
    access: AdminAccess,
) -> None:
    page_wanted = {"Accept": "text/html,*/*"}
    async with browser(access) as page:
        for path in ("/", "/chargers/cp1"):
            sent = await page.get(path, headers=page_wanted)
            assert (sent.status_code, sent.headers["location"]) == (303, LOGIN_PATH)
        assert (await page.get("/data")).status_code == 401
        assert (await page.post("/", headers=page_wanted)).status_code == 401
        for path in (LOGIN_PATH, f"{STATIC_PATH}console.css"):
            opened = await page.get(path, headers=page_wanted)
            assert opened.status_code == 404  # let through; this small application has neither
        assert opened.headers.get("cache-control") is None
        assert (await page.get("/v1/status", headers=page_wanted)).status_code == 401


async def test_a_form_of_the_console_brings_a_proof_of_its_own_and_still_comes_from_here(access: AdminAccess) -> None:
    cookie = {"Cookie": logged_in(access)["Cookie"]}
    async with browser(access) as page:
        assert (await page.post("/chargers/cp1/toggle", headers=cookie)).status_code == 404  # this application has none
        foreign = cookie | {"Origin": "https://evil.example"}
        assert (await page.post("/chargers/cp1/toggle", headers=foreign)).status_code == 403


async def test_a_cookie_that_is_none_is_no_session(access: AdminAccess) -> None:
    async with browser(access) as page:
        for cookie in ("__Host-fwdctl=", "__Host-fwdctl=nonsense", "a=b;;;=", "\x01"):
            assert (await page.get("/v1/status", headers={"Cookie": cookie.encode()})).status_code == 401
