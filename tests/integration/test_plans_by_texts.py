"""Plans of sites whose texts the server knows: the same as when everything is read and sent, and at less cost."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.api_client import ApiClient
from reconciler.cli import specs
from tests.integration.test_cli import CHARGER, SITE, edit
from tests.support.server import Server, running_server
from tests.support.server_process import Completed

FLEET = 120
IN_FULL = 1_000_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with a fleet applied, which has been planned once since."""
    depot = tmp_path / "depot"
    depot.mkdir()
    (depot / "site.yaml").write_text(SITE)
    for file in range(2):
        names = [f"cp{number:03}" for number in range(file * FLEET // 2, (file + 1) * FLEET // 2)]
        text = "".join(CHARGER.format(name=name, identity=name.upper()) for name in names)
        (depot / f"chargers-{file}.yaml").write_text(text)
    async with running_server(tmp_path / "data") as running:
        await running.apply("-f", depot)
        assert (await running.fwdctl("plan", "-f", depot, "--detailed-exitcode")).code == 0
        yield running


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many documents, and how many texts, each request for a plan holds."""
    counts: list[tuple[int, int]] = []
    plan = ApiClient.plan

    def counted(api: ApiClient, body: Mapping[str, Any]) -> dict[str, Any]:
        counts.append((len(body["documents"]), len(body.get("texts", ()))))
        return plan(api, body)

    monkeypatch.setattr(ApiClient, "plan", counted)
    return counts


def told(done: Completed) -> tuple[int, object, str]:
    """Return what a plan came to, without what no two have in common."""
    answer = json.loads(done.out) if done.out else {}
    return done.code, {**answer, "plan_id": "", "created_at": "", "seal": ""}, done.err


def a_line(depot: Path) -> None:
    edit(depot / "chargers-0.yaml", "identity: CP001,", "identity: other,")


def nothing(depot: Path) -> None:
    pass


def the_owner(depot: Path) -> None:
    edit(
        depot / "site.yaml",
        "backend: partner, role: primary}, {backend: local, role: passive",
        "backend: local, role: primary",
    )


def a_charger_more(depot: Path) -> None:
    (depot / "more.yaml").write_text(CHARGER.format(name="new", identity="new"))


def an_identity_taken(depot: Path) -> None:
    edit(depot / "chargers-0.yaml", "identity: CP001,", "identity: CP111,")


def a_name_twice(depot: Path) -> None:
    (depot / "more.yaml").write_text(CHARGER.format(name="cp001", identity="CP001"))


def a_selector_of_nobody(depot: Path) -> None:
    for file in depot.glob("chargers-*.yaml"):
        edit(file, "site: a", "site: b")
    edit(depot / "site.yaml", "site: a", "site: b")


def a_binding_gone(depot: Path) -> None:
    edit(depot / "site.yaml", "site: a", "site: z")


def a_tab(depot: Path) -> None:
    edit(depot / "chargers-1.yaml", "kind: Charger\nmetadata: {name: cp100", "kind:\tCharger\n\tmetadata: {name: cp100")


def an_end_marker(depot: Path) -> None:
    edit(
        depot / "chargers-1.yaml",
        "---\napiVersion: fwdctl/v1\nkind: Charger\nmetadata: {name: cp100",
        "...\n---\napiVersion: fwdctl/v1\nkind: Charger\nmetadata: {name: cp100",
    )


@pytest.mark.parametrize(
    ("change", "documents"),
    [
        (nothing, 0),
        (a_line, 1),
        (the_owner, 1),
        (a_charger_more, 1),
        (an_identity_taken, None),
        (a_name_twice, None),
        (a_selector_of_nobody, None),
        (a_binding_gone, None),
        (a_tab, None),
        (an_end_marker, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_plan_is_the_same_and_only_what_is_not_known_is_sent(
    server: Server,
    sent: list[tuple[int, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    documents: int | None,
) -> None:
    depot = tmp_path / "depot"
    change(depot)
    by_texts = await server.fwdctl("plan", "-f", depot, "--json", "--detailed-exitcode")
    if documents is not None:
        assert [count for count, _ in sent] == [documents]
        assert sent[0][1] >= FLEET
    monkeypatch.setattr(specs, "TEXTS_MIN", IN_FULL)
    in_full = await server.fwdctl("plan", "-f", depot, "--json", "--detailed-exitcode")
    assert told(by_texts) == told(in_full)


async def test_what_was_applied_is_learnt_by_the_next_plan_and_outlives_the_server(
    server: Server, sent: list[tuple[int, int]], tmp_path: Path
) -> None:
    depot = tmp_path / "depot"
    a_line(depot)
    await server.apply("-f", depot)
    await server.fwdctl("plan", "-f", depot)
    await server.fwdctl("plan", "-f", depot)
    assert [count for count, _ in sent] == [1, 1, 0]


async def test_a_viewer_teaches_nothing(server: Server, sent: list[tuple[int, int]], tmp_path: Path) -> None:
    depot = tmp_path / "depot"
    made = await server.fwdctl("token", "create", "looker", "--access", "viewer", "--json")
    environ = {"FWDCTL_TOKEN": json.loads(made.out)["token"]}
    edit(depot / "chargers-0.yaml", "identity: CP001,", "identity: CP001, ")  # another text that says the same
    for _ in range(2):
        assert (await server.fwdctl("plan", "-f", depot, "--detailed-exitcode", environ=environ)).code == 0
    assert [count for count, _ in sent] == [1, 1]
    assert (await server.fwdctl("plan", "-f", depot, "--detailed-exitcode")).code == 0
    assert (await server.fwdctl("plan", "-f", depot, "--detailed-exitcode")).code == 0
    assert [count for count, _ in sent] == [1, 1, 1, 0]


async def test_an_older_server_is_sent_everything(
    server: Server, sent: list[tuple[int, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ApiClient, "known_texts", lambda api, digests: api._post("/v1/no-such-call", {}))
    assert (await server.fwdctl("plan", "-f", tmp_path / "depot", "--detailed-exitcode")).code == 0
    assert sent == [(FLEET + 3, 0)]
