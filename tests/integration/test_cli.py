"""The command line against a real server: every verb, every exit code, JSON on stdout, errors on stderr."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.adapters.store import open_store
from tests.support.server import Server, running_server

SITE = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {name: open}
spec: {profile: 0}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: partner}
spec: {url: "ws://127.0.0.1:1/ocpp", versions: [ocpp1.6], securityProfile: open}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {name: depot-a}
spec:
  chargers: {labels: {site: a}}
  backends: [{backend: partner, role: primary}, {backend: local, role: passive}]
"""
CHARGER = """\
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: {name}, labels: {{site: a, "on": "no", code: "0777"}}}}
spec: {{identity: {identity}, versions: [ocpp1.6], securityProfile: open}}
"""


def site_file(folder: Path, *chargers: str) -> Path:
    """Write a site with these chargers and return the file."""
    file = folder / "site.yaml"
    file.write_text(SITE + "".join(CHARGER.format(name=name, identity=name.upper()) for name in chargers))
    return file


def edit(file: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with nothing applied."""
    async with running_server(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def site(server: Server, tmp_path: Path) -> Path:
    """A site of two chargers, applied."""
    file = site_file(tmp_path, "cp001", "cp002")
    await server.apply("-f", file)
    return file


async def test_apply_then_plan_says_no_changes(server: Server, site: Path) -> None:
    planned = await server.fwdctl("plan", "-f", site, "--detailed-exitcode")
    assert (planned.code, planned.err) == (0, "")
    assert planned.out == (
        "Already applied, and not yet reached:\n  cp001, cp002: offline, at their next connection\n\n"
        "No changes. What is applied matches the specs.\n"
    )


def change_one_line(site: Path) -> None:
    """Let what comes first in the file speak one version more."""
    text = site.read_text()
    assert "versions: [ocpp1.6]" in text
    site.write_text(text.replace("versions: [ocpp1.6]", "versions: [ocpp1.6, ocpp2.0.1]", 1))


async def test_the_same_file_twice_changes_nothing_and_one_changed_line_is_a_change(server: Server, site: Path) -> None:
    again = await server.fwdctl("apply", "-f", site, "--auto-approve", "--json")
    history = await server.fwdctl("history", "--kind", "apply", "--json")
    assert again.code == 0
    assert {event["revision"] for event in history.json["events"]} == {1}
    change_one_line(site)
    planned = await server.fwdctl("plan", "-f", site, "--detailed-exitcode")
    assert planned.code == 2
    assert ", 1 to change, 0 to destroy." in planned.out


async def test_a_plan_with_changes_exits_2_only_where_asked_to(server: Server, tmp_path: Path) -> None:
    file = site_file(tmp_path, "cp001")
    plain = await server.fwdctl("plan", "-f", file)
    detailed = await server.fwdctl("plan", "-f", file, "--detailed-exitcode", "--json")
    assert (plain.code, detailed.code) == (0, 2)
    assert "Plan: 4 to add, 0 to change, 0 to destroy." in plain.out
    assert detailed.json["summary"]["add"] == 4


async def test_a_plan_goes_to_a_file_and_that_very_plan_is_applied(server: Server, tmp_path: Path) -> None:
    planned = await server.fwdctl("plan", "-f", site_file(tmp_path, "cp001"), "--out", tmp_path / "plan.json")
    applied = await server.fwdctl("apply", "--plan", tmp_path / "plan.json", "--auto-approve", "--json")
    assert (planned.code, applied.code) == (0, 0)
    plan_id = json.loads((tmp_path / "plan.json").read_text())["plan_id"]
    result = applied.events[-1]["result"]
    assert (result["plan_id"], result["revision"], result["counts"]) == (plan_id, 1, {"deferred": 1})


async def test_a_plan_applied_twice_is_stale(server: Server, tmp_path: Path) -> None:
    await server.fwdctl("plan", "-f", site_file(tmp_path, "cp001"), "--out", tmp_path / "plan.json")
    await server.apply("--plan", tmp_path / "plan.json")
    again = await server.fwdctl("apply", "--plan", tmp_path / "plan.json", "--auto-approve")
    assert again.code == 6
    assert "hint: make a new one: fwdctl plan" in again.err


async def test_a_plan_that_something_overtook_is_stale(server: Server, site: Path, tmp_path: Path) -> None:
    edit(site, "CP001", "CP-001")
    await server.fwdctl("plan", "-f", site, "--out", tmp_path / "plan.json")
    edit(site, "CP-001", "CP-0001")
    await server.apply("-f", site)
    overtaken = await server.fwdctl("apply", "--plan", tmp_path / "plan.json", "--auto-approve")
    assert overtaken.code == 6
    assert "charger.cp001 was changed since" in overtaken.err


async def test_apply_refuses_to_go_on_unasked_where_nobody_can_be_asked(server: Server, tmp_path: Path) -> None:
    refused = await server.fwdctl("apply", "-f", site_file(tmp_path, "cp001"))
    assert refused.code == 1
    assert "Plan: 4 to add" in refused.out
    assert "--auto-approve" in refused.err
    assert (await server.fwdctl("dump", "--json")).json["documents"] == []


async def test_specs_come_from_standard_input_too(server: Server, tmp_path: Path) -> None:
    text = site_file(tmp_path, "cp001").read_text()
    applied = await server.fwdctl("apply", "-f", "-", "--auto-approve", stdin=text)
    assert applied.code == 0, applied.err
    assert "Applied as revision 1. Chargers: 1 deferred." in applied.out


async def test_an_apply_of_a_dump_is_empty(server: Server, site: Path, tmp_path: Path) -> None:
    (tmp_path / "dump.yaml").write_text((await server.fwdctl("dump")).out)
    planned = await server.fwdctl("plan", "-f", tmp_path / "dump.yaml", "--prune", "--detailed-exitcode")
    assert planned.code == 0, planned.out


async def test_deleting_every_charger_trips_a_guard(server: Server, site: Path, tmp_path: Path) -> None:
    rest = site_file(tmp_path)
    refused = await server.fwdctl("apply", "-f", rest, "--prune", "--auto-approve")
    assert refused.code == 3
    assert "hint: --allow-delete-all allows it" in refused.err
    await server.apply("-f", rest, "--prune", "--allow-delete-all")
    assert (await server.fwdctl("status", "--json")).json["chargers"] == []


async def test_a_held_lock_refuses_until_it_is_broken(server: Server, site: Path, tmp_path: Path) -> None:
    store = await open_store(None, server.data)
    try:
        await store.acquire_lock("somebody", "a long apply", datetime.now(UTC), 600)
    finally:
        await store.close()
    file = site_file(tmp_path, "cp001", "cp002", "cp003")
    refused = await server.fwdctl("apply", "-f", file, "--auto-approve", "--json")
    assert (refused.code, [event["type"] for event in refused.events]) == (5, ["started", "error"])
    assert refused.events[-1]["error"] == json.loads(refused.err)["error"]
    assert json.loads(refused.err)["error"]["kind"] == "lock-held"
    assert "Held by somebody, a long apply" in (await server.fwdctl("lock")).out
    assert (await server.fwdctl("lock", "break", "--auto-approve")).code == 0
    assert (await server.fwdctl("lock", "--json")).json["lock"] is None
    await server.apply("-f", file)


async def test_what_is_wrong_with_specs_is_told_all_at_once_and_nothing_is_sent(server: Server, tmp_path: Path) -> None:
    file = site_file(tmp_path, "cp001")
    edit(file, "ocpp1.6], securityProfile: open}\n---", "ocpp9], typo: 1}\n---")
    refused = await server.fwdctl("plan", "-f", file)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.count("site.yaml:9:") >= 2
    assert "typo" in refused.err


async def test_what_only_the_server_can_see_comes_back_with_its_line(server: Server, tmp_path: Path) -> None:
    file = site_file(tmp_path, "cp001")
    edit(file, "backend: partner,", "backend: partnr,")
    refused = await server.fwdctl("apply", "-f", file, "--auto-approve")
    assert refused.code == 1
    assert f"{file}:16:" in refused.err
    assert "did you mean partner" in refused.err


async def test_validate_finds_the_same_without_asking_the_server(server: Server, tmp_path: Path) -> None:
    good = await server.fwdctl("validate", "-f", site_file(tmp_path, "cp001"))
    bad = await server.fwdctl("validate", "-f", tmp_path / "none.yaml", "--json")
    assert (good.code, good.err, bad.code) == (0, "", 1)
    assert not bad.json["valid"]


async def test_status_shows_chargers_that_never_connected(server: Server, site: Path) -> None:
    listed = await server.fwdctl("status")
    detailed = await server.fwdctl("status", "charger.cp001", "--json")
    assert [line.split()[:2] for line in listed.out.splitlines()[1:]] == [["cp001", "offline"], ["cp002", "offline"]]
    (charger,) = detailed.json["chargers"]
    assert (charger["identity"], charger["declared_by"]) == ("CP001", "charger.cp001")
    assert charger["desired_owners"]["transactions"] == "partner"


async def test_status_of_an_unknown_address_is_an_error(server: Server, site: Path) -> None:
    unknown = await server.fwdctl("status", "charger.nobody")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err == "error: there is no charger.nobody\nhint: fwdctl status lists all chargers\n"


async def test_offline_chargers_are_no_drift(server: Server, site: Path) -> None:
    drift = await server.fwdctl("drift")
    assert (drift.code, drift.out) == (0, "No drift. Chargers: 2 offline.\n")


async def test_a_toggle_holds_until_it_is_ended_and_both_are_history(server: Server, site: Path) -> None:
    toggled = await server.fwdctl("toggle", "cp001", "--primary", "local", "--for", "2h", "--reason", "site visit")
    assert (toggled.code, toggled.out.split()[:2]) == (0, ["cp001:", "deferred"]), toggled.err
    (charger,) = (await server.fwdctl("status", "charger.cp001", "--json")).json["chargers"]
    assert charger["override"]["reason"] == "site visit"
    assert charger["desired_owners"]["transactions"] == "local"
    assert (await server.fwdctl("toggle", "cp001", "--end")).code == 0
    (charger,) = (await server.fwdctl("status", "charger.cp001", "--json")).json["chargers"]
    assert charger["override"] is None
    events = (await server.fwdctl("history", "--charger", "cp001", "--json")).json["events"]
    assert [event["kind"] for event in events] == ["toggle-ended", "toggle"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["cp001"], "--primary"),
        (["cp001", "--primary", "local"], "--reason"),
        (["cp001", "--primary", "local", "--end"], "--primary"),
        (["cp001", "--primary", "local", "--reason", "x", "--for", "soon"], "2h"),
        (["cp009", "--primary", "local", "--reason", "x"], "did you mean cp00"),
        (["cp001", "--primary", "nobody", "--reason", "x"], "declare"),
    ],
)
async def test_a_toggle_that_says_too_little_or_too_much_is_refused(
    server: Server, site: Path, arguments: list[str], hint: str
) -> None:
    refused = await server.fwdctl("toggle", *arguments)
    assert (refused.code, refused.out) == (1, "")
    assert hint in refused.err.split("hint:")[1]


async def test_history_says_who_applied_what_and_why(server: Server, tmp_path: Path) -> None:
    await server.apply("-f", site_file(tmp_path, "cp001"), "--reason", "first", "--git-commit", "abc123")
    events = (await server.fwdctl("history", "--kind", "apply", "--json")).json["events"]
    assert {event["reason"] for event in events} == {"first"}
    assert events[0]["details"]["git_commit"] == "abc123"
    assert all(event["actor"] for event in events)
    assert "(first)" in (await server.fwdctl("history")).out


@pytest.mark.parametrize("name", ["site", "charger", "plan"])
async def test_schemas_are_printed(server: Server, name: str) -> None:
    assert "$schema" in (await server.fwdctl("schema", name)).json


async def test_in_json_mode_an_error_is_json_on_stderr_with_the_same_code(server: Server) -> None:
    refused = await server.fwdctl("status", "charger.nobody", "--json")
    error = json.loads(refused.err)["error"]
    assert (refused.code, refused.out, error["kind"], error["exit_code"]) == (1, "", "unknown-address", 1)


async def test_the_url_is_taken_before_the_verb_too(server: Server) -> None:
    before = await server.fwdctl("--url", server.url, "status", "--json", environ={"FWDCTL_URL": "http://127.0.0.1:1"})
    assert before.json["chargers"] == []


async def test_version_answers_with_and_without_a_server(server: Server) -> None:
    with_one = (await server.fwdctl("version", "--json")).json
    without = await server.fwdctl("version", "--url", "http://127.0.0.1:1", "--json")
    assert (with_one["server"], without.json["server"], without.code) == (with_one["client"], None, 0)


@pytest.mark.parametrize("arguments", [["no-such-verb"], ["plan", "--no-such-flag"], ["plan"], ["lock", "eat"]])
async def test_a_typo_exits_1_because_2_means_changes(server: Server, arguments: list[str]) -> None:
    refused = await server.fwdctl(*arguments)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("error: ")
