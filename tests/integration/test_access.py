"""Who may call what of the admin API: every route, every level; tokens over the command line; TLS."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from reconciler.adapters.admin_api.access_rules import NEEDED, REACHING, Reach
from reconciler.adapters.admin_api.application import build_application
from reconciler.adapters.admin_api.schema import ActingBody, Body
from reconciler.adapters.job_files import FileDesk, KeptUploads, Shelf
from reconciler.app.access_tokens import AccessTokens
from reconciler.app.admin_access import admin_access
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.bulk_operations import BulkOperations
from reconciler.app.plan_seal import PlanSeal
from reconciler.app.reconciler import Reconciler
from reconciler.app.security_events import SecurityEvents
from reconciler.app.tasks import Background
from reconciler.model.access import Access
from reconciler.model.history import HistoryEvent
from tests.integration.websocket.certificates import Authority
from tests.support.clock import FakeClock
from tests.support.depot_specs import two_depots
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore
from tests.support.operations import MemoryOperations, QuietStations
from tests.support.relay import Tally
from tests.support.server import Server, running_server
from tests.support.server_process import ServerProcess, fwdctl
from tests.support.token_store import KeptTokens

ROOT_TOKEN = "the server's own"


async def no_metrics() -> bytes:
    """Return nothing."""
    return b""


class Api:
    """An application with a token of each level, called without a socket."""

    def __init__(self) -> None:
        clock, tally = FakeClock(), Tally()
        reconciler = Reconciler(MemoryStore(), FakeRelay(), clock, lambda: "id", report=lambda what, error: None)
        runs = ApplyRuns(reconciler, Background(lambda what, error: None), lambda *_: None, tally, lambda: "r")
        self.tokens = AccessTokens(KeptTokens(), clock, iter("abcde").__next__, iter("12345").__next__)
        self.events: list[HistoryEvent] = []
        self.access = admin_access(
            self.tokens,
            clock,
            server_token=ROOT_TOKEN,
            new_secret=lambda: secrets.token_hex(8),
            record=self.events.append,
            security=SecurityEvents(lambda event: None, tally, lambda event, **fields: None, clock),
        )
        background = Background(lambda what, error: None)
        operations = reconciler.operations(
            MemoryOperations(), QuietStations(), background, lambda: "o", tally, holder=""
        )
        self.application = build_application(
            reconciler,
            runs,
            metrics=tally,
            exposition=no_metrics,
            access=self.access,
            operations=operations,
            bulk=BulkOperations(operations, background, str),
            files=FileDesk(Shelf(Path("nowhere")), KeptUploads(Path("nowhere"), clock.now, str), "", str),
            seal=PlanSeal(b"k" * 32),
        )
        self.texts: dict[Access, str] = {}

    async def status(self, method: str, path: str, token: str | None) -> int:
        """Call a route with nothing in it, and return the status."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://fwdctl.example") as client:
            answer = await client.request(method, path.replace("{", "").replace("}", ""), headers=headers)
        return answer.status_code


@pytest.fixture
async def api() -> Api:
    """An application with a token of each level."""
    api = Api()
    for access in Access:
        api.texts[access], _ = await api.tokens.create(access.value, access, None, "test")
    return api


def routes(api: Api) -> set[tuple[str, str]]:
    """Return every route as method and path, as the application itself lists them."""
    paths = api.application.openapi()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


async def test_every_route_has_its_access_and_no_access_is_for_a_route_that_is_not_there(api: Api) -> None:
    assert routes(api) == set(NEEDED)
    hidden = [route for route in api.application.routes if isinstance(route, APIRoute) and not route.include_in_schema]
    assert hidden == []


async def test_no_route_is_reachable_below_its_access_and_each_is_with_it(api: Api) -> None:
    for (method, path), needed in NEEDED.items():
        for access, text in api.texts.items():
            reached = await api.status(method, path, text)
            assert (reached != 403) == access.covers(needed), (method, path, access, reached)
            assert reached < 500, (method, path, access)


async def test_without_a_token_only_the_health_check_is_reachable(api: Api) -> None:
    for method, path in {*NEEDED, ("GET", "/openapi.json"), ("GET", "/none")}:
        expected = (200,) if path == "/healthz" else (401, 429)  # the more of them, the less is said
        assert await api.status(method, path, None) in expected, path
        if path != "/healthz":
            assert await api.status(method, path, "wrong") in expected


async def test_a_route_that_nobody_has_ruled_on_is_for_admins(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NEEDED, ("GET", "/v1/version"))  # type: ignore[arg-type]
    assert await api.status("GET", "/v1/version", api.texts[Access.OPERATOR]) == 403
    assert await api.status("GET", "/v1/version", api.texts[Access.ADMIN]) == 200


async def test_the_servers_own_token_has_all_access(api: Api) -> None:
    assert await api.status("GET", "/v1/tokens", ROOT_TOKEN) == 200


def test_every_body_that_says_who_asks_has_its_claim_replaced_by_who_was_proven() -> None:
    saying = [body for body in subclasses(Body) if "actor" in body.model_fields]
    assert len(saying) > 5
    assert [body for body in saying if not issubclass(body, ActingBody)] == []


def subclasses(root: type[Body]) -> set[type[Body]]:
    """Return every class of request bodies."""
    children = set(root.__subclasses__())
    return children.union(*(subclasses(child) for child in children))


async def test_a_browser_logs_in_with_a_token_changes_something_and_logs_out(api: Api) -> None:
    transport = httpx.ASGITransport(api.application)
    async with httpx.AsyncClient(transport=transport, base_url="https://fwdctl.example") as page:
        bearer = {"Authorization": f"Bearer {api.texts[Access.OPERATOR]}"}
        began = await page.post("/v1/session", headers=bearer)
        cookie = began.headers["set-cookie"]
        again = (await page.get("/v1/session")).json()
        forged = await page.post("/v1/lock/break")
        broken = await page.post("/v1/lock/break", headers={"X-CSRF-Token": again["csrf_token"]})
        too_much = await page.get("/v1/tokens")
        ended = await page.post("/v1/session/end", headers={"X-CSRF-Token": again["csrf_token"]})
        after = await page.get("/v1/session")
    assert (began.status_code, again["name"], again["access"]) == (201, "operator", "operator")
    assert began.json()["csrf_token"] == again["csrf_token"]
    for attribute in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/"):
        assert attribute in cookie
    assert api.texts[Access.OPERATOR] not in cookie + began.text
    assert [answer.status_code for answer in (forged, broken, too_much, ended, after)] == [403, 200, 403, 200, 401]
    assert [(event.summary, event.actor) for event in api.events] == [
        ("POST /v1/session was answered 201", "operator"),
        ("POST /v1/lock/break was answered 200", "operator"),
        ("POST /v1/session/end was answered 200", "operator"),
    ]


def test_every_route_for_some_chargers_has_an_access_too() -> None:
    assert REACHING.keys() <= NEEDED.keys()


async def test_a_caller_with_labels_reaches_only_routes_that_keep_to_them(api: Api) -> None:
    text, _ = await api.tokens.create("depot", Access.OPERATOR, None, "test", {"site": "a"})
    for route, needed in NEEDED.items():
        refused = await api.status(*route, text) == 403
        within_reach = route in REACHING and Access.OPERATOR.covers(needed)
        # An address or a charger in the path is none that is declared here, which is refused as out of reach.
        assert refused == (not within_reach or REACHING[route] is Reach.ADDRESS), route


async def test_a_token_for_one_depot_sees_and_moves_its_chargers_and_no_others(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(two_depots())
    data, root = tmp_path / "data", {"FWDCTL_TOKEN": ROOT_TOKEN}
    data.mkdir()
    (data / "admin-token").touch(0o600)
    (data / "admin-token").write_text(ROOT_TOKEN)
    async with running_server(data) as server:
        assert (await server.fwdctl("apply", "--auto-approve", "-f", site, environ=root)).code == 0
        made = await server.fwdctl(
            "token", "create", "depot-a", "--access", "operator", "--select", "site=a", environ=root
        )
        assert made.code == 0, made.err
        mine = {"FWDCTL_TOKEN": made.out.strip()}
        listed = await server.fwdctl("token", "list", environ=root)
        seen = await server.fwdctl("status", "--json", environ=mine)
        read = await server.fwdctl("status", environ=mine)
        toggle = ("toggle", "--primary", "local", "--reason", "service")
        toggled = await server.fwdctl(*toggle, "cp1", environ=mine)
        refused = await server.fwdctl(*toggle, "cp9", environ=mine)
        all_of_them = await server.fwdctl(*toggle, "*", environ=mine)
        site.write_text(two_depots().replace("SN-9", "SN-99"))
        not_mine = await server.fwdctl("plan", "-f", site, environ=mine)
        site.write_text(two_depots().replace("SN-1", "SN-11"))
        own = await server.fwdctl("apply", "--auto-approve", "-f", site, environ=mine)
        history = await server.fwdctl("history", "--json", environ=mine)
    assert "site=a" in listed.out
    assert [one["charger"] for one in seen.json["chargers"]] == ["cp1"]
    assert read.code == 0, read.err
    assert (toggled.code, refused.code, all_of_them.code) == (0, 8, 8), toggled.err
    assert "charger.cp9 is not within that" in refused.err
    assert (not_mine.code, own.code) == (8, 0), own.err
    assert {event["charger"] for event in history.json["events"]} == {"cp1"}


OUTAGE = """
---
apiVersion: fwdctl/v1
kind: ScheduledOutage
metadata: {{name: {name}}}
spec:
  chargers: {chargers}
  window: {{start: "2030-01-01T00:00:00Z", duration: 1h}}
  roles: {{partner: passive, local: primary}}
  reason: service
"""


async def test_a_token_for_one_depot_sees_and_ends_outages_of_its_chargers_and_no_others(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    outages = {"mine": "{labels: {site: a}}", "theirs": "{labels: {site: b}}"}
    declared = [OUTAGE.format(name=name, chargers=chargers) for name, chargers in outages.items()]
    site.write_text(two_depots({"partner": "primary", "local": "passive"}) + "".join(declared))
    data, root = tmp_path / "data", {"FWDCTL_TOKEN": ROOT_TOKEN}
    data.mkdir()
    (data / "admin-token").touch(0o600)
    (data / "admin-token").write_text(ROOT_TOKEN)
    async with running_server(data) as server:
        applied = await server.fwdctl("apply", "--auto-approve", "-f", site, environ=root)
        assert applied.code == 0, applied.err
        made = await server.fwdctl("token", "create", "a", "--access", "operator", "--select", "site=a", environ=root)
        mine = {"FWDCTL_TOKEN": made.out.strip()}
        listed = await server.fwdctl("outage", "list", environ=mine)
        coming = await server.fwdctl("outage", "next", environ=mine)
        why = ("--reason", "rain")
        theirs = await server.fwdctl("outage", "cancel", "theirs", *why, environ=mine)
        longer = await server.fwdctl("outage", "extend", "theirs", "--by", "1h", *why, environ=mine)
        extended = await server.fwdctl("outage", "extend", "mine", "--by", "1h", *why, environ=mine)
        own = await server.fwdctl("outage", "cancel", "mine", *why, environ=mine)
        unknown = await server.fwdctl("outage", "cancel", "nothing", *why, environ=mine)
        everybody = await server.fwdctl("outage", "next", environ=root)
    for said in (listed.out, coming.out):
        assert ("mine" in said, "theirs" in said) == (True, False), said
    assert (theirs.code, longer.code, extended.code, own.code) == (8, 8, 0, 0), extended.err + own.err
    assert "outage theirs is not within that" in theirs.err
    assert unknown.code == 1
    assert "theirs" in everybody.out


async def test_a_saved_plan_that_was_changed_is_a_security_event(tmp_path: Path) -> None:
    site, saved = tmp_path / "site.yaml", tmp_path / "plan.json"
    site.write_text(two_depots())
    async with running_server(tmp_path / "data") as server:
        assert (await server.fwdctl("plan", "-f", site, "--out", saved)).code == 0
        saved.write_text(saved.read_text().replace("SN-9", "SN-666"))
        refused = await server.fwdctl("apply", "--auto-approve", "--plan", saved)
        async with asyncio.timeout(10):  # history is written behind
            while not (events := await _security_events(server)):
                pass
    assert refused.code == 6, refused.err
    (event,) = events
    assert event["details"]["event"] == "plan-tampered"
    assert "was changed after it was made" in event["summary"]
    assert "SN-666" not in str(event)


async def _security_events(server: Server) -> list[dict[str, Any]]:
    found = await server.fwdctl("history", "--kind", "security-event", "--json")
    events: list[dict[str, Any]] = found.json["events"]
    return events


async def test_a_token_is_given_used_listed_and_taken_over_the_command_line(tmp_path: Path) -> None:
    root = {"FWDCTL_ADMIN_TOKEN": ROOT_TOKEN}
    async with ServerProcess(tmp_path / "data", environ=root) as server:
        as_root = {"FWDCTL_TOKEN": ROOT_TOKEN}
        made = await server.fwdctl("token", "create", "ci", "--access", "viewer", "--expires", "1h", environ=as_root)
        assert made.code == 0, made.err
        text = made.out.strip()
        as_viewer = {"FWDCTL_TOKEN": text}
        seen = await server.fwdctl("status", environ=as_viewer)
        refused = await server.fwdctl("lock", "break", "--auto-approve", "--json", environ=as_viewer)
        toggled = await server.fwdctl("token", "list", "--json", environ=as_viewer)
        listed = await server.fwdctl("token", "list", "--json", environ=as_root)
        (kept,) = listed.json["tokens"]
        await server.stop()
        await server.start()
        again = await server.fwdctl("status", environ=as_viewer)
        revoked = await server.fwdctl("token", "revoke", kept["id"], environ=as_root)
        after = await server.fwdctl("status", environ=as_viewer)
        history = await server.fwdctl("history", environ=as_root)
        audit = await server.fwdctl("history", "--kind", "api-call", environ=as_root)
    assert (seen.code, refused.code, toggled.code) == (0, 0, 8)  # breaking a free lock asks nothing of the server
    assert "needs admin" in toggled.err
    assert (kept["name"], kept["access"], "digest" in kept) == ("ci", "viewer", False)
    assert (again.code, revoked.code, after.code) == (0, 0, 8)
    assert "token-created" in history.out
    assert "token-revoked" in history.out
    assert "server token (says " in history.out
    assert "api-call" not in history.out
    assert "POST /v1/tokens was answered 201" in audit.out
    stored = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    assert text.encode() not in stored


async def test_over_tls_the_command_line_works_and_plain_http_does_not(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.server_files(tmp_path, "127.0.0.1")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    flags = ("--admin-tls-cert", str(certificate), "--admin-tls-key", str(key))
    async with ServerProcess(tmp_path / "data", *flags) as server:
        assert server.url.startswith("https://")
        trusting = await server.fwdctl("status", environ={"FWDCTL_CA": str(ca)})
        doubting = await server.fwdctl("status")
        missing = await server.fwdctl("status", environ={"FWDCTL_CA": str(tmp_path / "none")})
        async with httpx.AsyncClient(verify=authority.trusting(), trust_env=False) as client:
            assert (await client.get(f"{server.url}/healthz")).status_code == 200
            with pytest.raises(httpx.TransportError):
                await client.get(f"{server.url}/healthz".replace("https", "http"))
    assert (trusting.code, doubting.code, missing.code) == (0, 1, 1)
    assert "FWDCTL_CA" in missing.err


async def test_half_of_a_pair_is_refused(tmp_path: Path) -> None:
    refused = await fwdctl("serve", "--data", tmp_path / "data", "--admin-tls-cert", tmp_path / "c.pem")
    assert (refused.code, refused.err.splitlines()[0]) == (
        1,
        "error: --admin-tls-cert and --admin-tls-key go together",
    )


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return a certificate authority."""
    return Authority("fwdctl test CA")


async def test_only_an_admin_applies_in_spite_of_change_windows(api: Api) -> None:
    transport = httpx.ASGITransport(api.application)
    role = {"apiVersion": "fwdctl/v1", "kind": "Role", "metadata": {"name": "energy"}, "spec": {"owns": ["metering"]}}
    body = {"documents": [{"content": role}], "override_window": True, "reason": "incident", "actor": "ann"}
    async with httpx.AsyncClient(transport=transport, base_url="http://fwdctl.example") as client:
        for access, text in api.texts.items():
            answer = await client.post("/v1/applies", json=body, headers={"Authorization": f"Bearer {text}"})
            assert answer.status_code == (202 if access is Access.ADMIN else 403), answer.text
            if access is Access.OPERATOR:
                assert "to override change windows needs admin" in answer.text
