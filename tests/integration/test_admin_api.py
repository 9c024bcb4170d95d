"""The admin API as a client without our client sees it: one contract for answers, errors and their status."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import running_server

Document = dict[str, Any]


def document(kind: str, name: str, labels: dict[str, str] | None = None, **spec: Any) -> Document:
    """Return a spec document as the API takes it."""
    metadata = {"name": name, "labels": labels or {}}
    return {"content": {"apiVersion": "fwdctl/v1", "kind": kind, "metadata": metadata, "spec": spec}}


def a_site(*chargers: str) -> list[Document]:
    """Return a site of these chargers."""
    return [
        document("SecurityProfile", "open", profile=0),
        document("Backend", "partner", url="ws://127.0.0.1:1/ocpp", versions=["ocpp1.6"], securityProfile="open"),
        *(document("Charger", name, {"site": "a"}, versions=["ocpp1.6"], securityProfile="open") for name in chargers),
        document(
            "BackendBinding",
            "a",
            chargers={"labels": {"site": "a"}},
            backends=[{"backend": "partner", "role": "primary"}],
        ),
    ]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP client of a server with nothing applied."""
    async with (
        running_server(tmp_path / "data") as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        yield client


async def applied(api: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """Start an apply, follow it to its end, and return its last state."""
    started = await api.post("/v1/applies", json=body)
    assert started.status_code == 202, started.text
    state: dict[str, Any] = {"state": "running", "seen": 0}
    while state["state"] == "running":
        query = {"wait_s": 10, "seen": state["seen"]}
        state = (await api.get(f"/v1/applies/{started.json()['id']}", params=query)).json()
    return state


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/v1/version",
        "/v1/status",
        "/v1/drift",
        "/v1/dump",
        "/v1/history",
        "/v1/lock",
        "/v1/applies/none",
        "/v1/nothing",
        "/v1/history?limit=0",
    ],
)
async def test_every_answer_and_every_error_has_its_format_version(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).json()["format_version"] == "1.0"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/status?address=charger.none", None, 404),
        ("GET", "/v1/status?address=nonsense", None, 404),
        ("GET", "/v1/applies/none", None, 404),
        ("GET", "/v1/nowhere", None, 404),
        ("GET", "/v1/plan", None, 405),
        ("POST", "/v1/plan", {"documents": []}, 400),
        ("POST", "/v1/plan", {"documents": [], "surprise": 1}, 422),
        ("POST", "/v1/plan", {"documents": a_site("cp001")[1:]}, 422),
        ("POST", "/v1/plan", {"documents": a_site("cp001"), "max_disruption": "lots"}, 400),
        ("POST", "/v1/applies", {}, 422),
        ("POST", "/v1/applies", {"plan": {"format_version": "9.0"}}, 400),
        ("POST", "/v1/applies", {"plan": {"format_version": "1.0"}}, 400),
        ("POST", "/v1/toggles", {"chargers": [], "primary": "local", "reason": "x"}, 422),
        ("POST", "/v1/toggles", {"chargers": ["cp001"], "primary": "local", "reason": "x"}, 404),
        ("POST", "/v1/toggles/end", {"chargers": ["cp001"]}, 404),
    ],
)
async def test_what_is_wrong_with_a_request_decides_its_status(
    api: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    answer = await api.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["summary"]
    assert error["exit_code"] == 1


async def test_a_request_that_is_no_json_is_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/plan", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "fwdctl-error")


async def test_findings_come_with_the_places_that_the_client_gave(api: httpx.AsyncClient) -> None:
    wrong = document("Charger", "cp001", versions=["ocpp9"], securityProfile="open")
    placed = wrong | {"file": "site.yaml", "places": {"spec.versions.0": [7, 15]}}
    error = (await api.post("/v1/plan", json={"documents": [placed]})).json()["error"]
    assert error["kind"] == "invalid-specs"
    assert {"filename": "site.yaml", "start": {"line": 7, "column": 15}} in [
        finding["range"] for finding in error["diagnostics"]
    ]


async def test_documents_are_planned_and_applied_in_one_request(api: httpx.AsyncClient) -> None:
    state = await applied(api, documents=a_site("cp001", "cp002"), actor="pipeline", reason="merge")
    assert (state["exit_code"], state["error"], state["result"]["counts"]) == (0, None, {"deferred": 2})
    (newest, *_) = (await api.get("/v1/history", params={"kind": "apply"})).json()["events"]
    assert (newest["actor"], newest["reason"]) == ("pipeline", "merge")


async def test_a_plan_is_applied_as_it_was_answered_and_only_once(api: httpx.AsyncClient) -> None:
    plan = (await api.post("/v1/plan", json={"documents": a_site("cp001")})).json()
    first, second = await applied(api, plan=plan), await applied(api, plan=plan)
    assert (first["exit_code"], second["exit_code"], second["error"]["kind"]) == (0, 6, "stale-plan")


async def test_a_guard_s_no_is_the_end_of_the_apply_with_its_exit_code(api: httpx.AsyncClient) -> None:
    await applied(api, documents=a_site("cp001"))
    refused = await applied(api, documents=a_site(), prune=True)
    assert (refused["exit_code"], refused["error"]["kind"], refused["result"]) == (3, "guard-tripped", None)


async def test_a_question_after_an_apply_is_answered_as_soon_as_there_is_news(api: httpx.AsyncClient) -> None:
    started = (await api.post("/v1/applies", json={"documents": a_site("cp001")})).json()["id"]
    async with asyncio.timeout(10):
        state = (await api.get(f"/v1/applies/{started}", params={"wait_s": 30})).json()
        while state["state"] == "running":
            query = {"wait_s": 30, "seen": state["seen"]}
            state = (await api.get(f"/v1/applies/{started}", params=query)).json()
    steps = (await api.get(f"/v1/applies/{started}")).json()["progress"]
    assert [step["step"] for step in steps] == ["locked", "committed", "charger", "done"]


async def test_a_dump_is_what_was_applied(api: httpx.AsyncClient) -> None:
    await applied(api, documents=a_site("cp001"))
    dumped = (await api.get("/v1/dump")).json()["documents"]
    plan = (await api.post("/v1/plan", json={"documents": [{"content": content} for content in dumped]})).json()
    assert plan["resource_changes"] == []


async def test_the_api_describes_itself(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    assert {"/v1/plan", "/v1/applies", "/v1/applies/{run_id}", "/v1/status", "/v1/toggles/end"} <= paths.keys()


async def test_an_apply_says_when_it_began_and_ended(api: httpx.AsyncClient) -> None:
    state = await applied(api, documents=a_site("cp001"))
    assert state["started_at"] <= state["ended_at"]
    again = (await api.get(f"/v1/applies/{state['id']}")).json()
    assert (again["started_at"], again["ended_at"]) == (state["started_at"], state["ended_at"])
