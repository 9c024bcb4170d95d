"""Looking back from the command line: show, history, and the way back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.errors import FwdctlError
from tests.integration.test_cli import edit, site_file
from tests.support.server import Server, running_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with two revisions: cp001 first, then local as primary and cp002 besides."""
    async with running_server(tmp_path / "data") as running:
        file = site_file(tmp_path, "cp001")
        await running.apply("-f", file, "--reason", "first")
        file = site_file(tmp_path, "cp001", "cp002")
        edit(
            file,
            "partner, role: primary}, {backend: local, role: passive}",
            "partner, role: off}, {backend: local, role: primary}",
        )
        await running.apply("-f", file, "--reason", "local takes over")
        yield running


async def test_rollback_shows_what_it_does_and_keeps_what_came_since(server: Server) -> None:
    done = await server.fwdctl("rollback", "1", "--auto-approve", "--reason", "it did not work")
    assert done.code == 0, done.err
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in done.out
    (change,) = [line for line in done.out.splitlines() if line.startswith("  ~ backend-binding.")]
    address, place = change.split(maxsplit=2)[1:]
    assert (await server.fwdctl("show", address, f"--{place.replace(' ', '=')}")).code == 0
    assert "applied after revision 1, and not deleted: charger.cp002" in done.out
    assert "Applied as revision 3." in done.out
    status = (await server.fwdctl("status", "--json")).json["chargers"]
    assert [charger["desired_owners"]["transactions"] for charger in status] == ["partner", "partner"]
    (event, *_) = (await server.fwdctl("history", "--revision", "3", "--json")).json["events"]
    assert event["reason"] == "back to revision 1: it did not work"


async def test_rollback_with_prune_is_the_revision_again(server: Server) -> None:
    pace = ("--wait-for-window", "--parallelism", "2", "--flips-per-second", "9", "--reconnects-per-second", "0")
    done = await server.fwdctl("rollback", "1", "--prune", "--auto-approve", *pace)
    assert done.code == 0, done.err
    assert "- charger.cp002" in done.out
    then = (await server.fwdctl("show", "backend-binding.depot-a", "--revision", "1", "--json")).json["content"]
    documents = (await server.fwdctl("dump", "--json")).json["documents"]
    assert then in documents
    assert len(documents) == 4


async def test_rollback_asks_first_and_to_where_it_is_changes_nothing(server: Server) -> None:
    refused = await server.fwdctl("rollback", "1")
    same = await server.fwdctl("rollback", "2")
    assert (refused.code, "--auto-approve" in refused.err) == (1, True)
    assert (same.code, "\nNo changes." in same.out) == (0, True)
    unknown = await server.fwdctl("rollback", "7")
    assert (unknown.code, unknown.err.splitlines()) == (
        1,
        ["error: there is no revision 7, the last one is 2", "hint: see fwdctl history"],
    )


async def test_show_prints_yaml_with_who_was_to_own_it(server: Server) -> None:
    now = await server.fwdctl("show", "charger.cp001")
    head = [line for line in now.out.splitlines() if line.startswith("# ")]
    assert head[0].endswith(", revision 2")
    assert "(first)" in head[1]
    assert head[2] == "# every feature: local, declared by backend-binding.depot-a"
    assert yaml.safe_load(now.out)["metadata"]["name"] == "cp001"


async def test_show_at_a_time_is_as_it_was_then(server: Server) -> None:
    events = (await server.fwdctl("history", "--kind", "apply", "--revision", "1", "--json")).json["events"]
    before = datetime.fromisoformat(events[0]["at"])
    shown = await server.fwdctl("show", "charger.cp001", "--at", before.isoformat(), "--json")
    assert (shown.json["revision"], shown.json["explanation"]["decisions"][0]["owner"]) == (1, "partner")
    gone = await server.fwdctl("show", "charger.cp002", "--at", before.isoformat())
    assert (gone.code, gone.err.splitlines()[0]) == (1, "error: there is no charger.cp002 in revision 1")


async def test_history_since_a_while_ago_and_since_a_time(server: Server) -> None:
    recent = (await server.fwdctl("history", "--since", "1h", "--kind", "apply", "--json")).json["events"]
    later = datetime.fromisoformat(recent[0]["at"]) + timedelta(seconds=1)
    assert len(recent) == 4
    assert (await server.fwdctl("history", "--since", later.isoformat(), "--json")).json["events"] == []
    refused = await server.fwdctl("history", "--since", "yesterday")
    assert (refused.code, "'yesterday' is not a time" in refused.err) == (1, True)


@pytest.fixture
async def pruned(tmp_path: Path) -> AsyncIterator[tuple[Server, datetime]]:
    """A server that keeps its last two revisions of four, with the instant before the second one."""
    async with running_server(tmp_path / "data") as running:
        file = site_file(tmp_path, "cp001", "cp002")
        await running.apply("-f", file, "--reason", "first")
        before_second = datetime.now(UTC)
        for number in (3, 4):
            await running.apply("-f", site_file(tmp_path, "cp001", f"cp00{number}"), "--prune", "--allow-delete-all")
        await running.apply("-f", site_file(tmp_path, "cp001"), "--prune", "--allow-delete-all")
    async with running_server(tmp_path / "data", revisions_keep="0s", revisions_keep_last=2) as running:
        async with asyncio.timeout(10):
            while await _oldest_kept(running) != 3:  # noqa: ASYNC110 - it forgets in the background, as of its start
                await asyncio.sleep(0.05)
        yield running, before_second


async def _oldest_kept(server: Server) -> int | None:
    kept: int | None = (await server.fwdctl("history", "--json")).json["kept"]["revision"]
    return kept


async def test_what_is_older_than_what_is_kept_is_refused_with_why_and_what_to_do(
    pruned: tuple[Server, datetime],
) -> None:
    server, before_second = pruned
    asked = (
        ("rollback", "1", "--auto-approve"),
        ("show", "charger.cp001", "--revision", "2"),
        ("show", "charger.cp002", "--at", before_second.isoformat()),
    )
    for arguments in asked:
        refused = await server.fwdctl(*arguments)
        error, hint = refused.err.splitlines()
        assert refused.code == 1, arguments
        assert "is not kept any more: the oldest revision that is there is 3, applied at 20" in error
        assert "serve --revisions-keep" in error
        assert hint.startswith("hint: go by revision 3 or a newer one: fwdctl history --kind apply")
    listed = await server.fwdctl("history", "--kind", "apply")
    assert "Of revisions before 3, applied at 20" in listed.out.splitlines()[-1]
    newest = await server.fwdctl("history", "--revision", "4")
    assert "forgotten" not in newest.out
    assert "Of revisions before" not in newest.out


async def test_what_is_kept_is_there_as_it_was_and_rolls_back(pruned: tuple[Server, datetime]) -> None:
    server, _ = pruned
    shown = await server.fwdctl("show", "charger.cp004", "--revision", "3")
    assert (shown.code, "revision 3" in shown.out) == (0, True), shown.err
    done = await server.fwdctl("rollback", "3", "--auto-approve")
    assert (done.code, "Applied as revision 5." in done.out) == (0, True), done.err
    documents = (await server.fwdctl("dump", "--json")).json["documents"]
    names = [document["metadata"]["name"] for document in documents if document["kind"] == "Charger"]
    assert names == ["cp001", "cp004"]


async def test_toggles_that_are_over_are_forgotten_and_explaining_their_time_is_refused(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as running:
        await running.apply("-f", site_file(tmp_path, "cp001"))
        assert (await running.fwdctl("toggle", "cp001", "--primary", "local", "--reason", "visit")).code == 0
        meanwhile = datetime.now(UTC).isoformat()
        assert (await running.fwdctl("toggle", "cp001", "--end")).code == 0
        then = await running.fwdctl("explain", "cp001", "--at", meanwhile)
        assert (then.code, "visit" in then.out) == (0, True), then.out + then.err
    async with running_server(tmp_path / "data", revisions_keep="0s") as running:
        async with asyncio.timeout(10):
            while (refused := await running.fwdctl("explain", "cp001", "--at", meanwhile)).code == 0:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)  # it forgets in the background, as of its start
        error, hint = refused.err.splitlines()
        assert error.startswith("error: which toggles and outages were in force at 20")
        assert "are forgotten, as serve --revisions-keep says" in error
        assert "fwdctl show ADDRESS --revision REV" in hint
        shown = await running.fwdctl("show", "charger.cp001", "--revision", "1")
        now = await running.fwdctl("explain", "cp001")
        assert (shown.code, now.code) == (0, 0), shown.err + now.err


async def test_a_server_that_would_keep_no_way_back_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(FwdctlError, match="--revisions-keep-last 1 would leave no revision to go back to"):
        async with running_server(tmp_path / "data", revisions_keep_last=1):
            pass
