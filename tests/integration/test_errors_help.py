"""Every failure says what, where and why, and what to type next: snapshots of what the command line prints."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.test_cli import edit, site_file
from tests.support.server import Server, running_server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with a site of one charger applied."""
    folder = tmp_path_factory.mktemp("errors")
    async with running_server(folder / "data") as running:
        await running.apply("-f", site_file(folder, "cp001"))
        yield running


CASES = {
    "status charger.cp999": (1, "there is no charger.cp999", "fwdctl status lists all chargers"),
    "pause cp999 --reason x": (1, "there is no charger cp999", "fwdctl status lists all chargers"),
    "resume cp001": (1, "cp001: nobody paused that", "fwdctl status shows what is paused; "),
    "toggle cp001 --primary local": (1, "a toggle needs a reason", "say why, for history: --reason TEXT"),
    "rollback 9 --auto-approve": (1, "there is no revision 9, the last one is 1", "see fwdctl history"),
    "apply": (1, "what to apply?", "one of -f FILE, --plan FILE, --follow ID and --resume ID"),
    "apply --follow ffff": (1, "there is no apply ffff", "what was applied, and when: fwdctl history --kind apply"),
    "apply --resume ffff": (1, "there is no apply ffff", "what was applied, and when: fwdctl history --kind apply"),
    "apply --plan {tmp}/none.json": (
        1,
        "the plan {tmp}/none.json can't be read: No such file or directory",
        "make one: ",
    ),
    "apply --plan {tmp}/text.json": (1, "{tmp}/text.json is no plan: ", "make one: fwdctl plan -f ... --out FILE"),
    "apply --plan {tmp}/forged.json --auto-approve": (
        6,
        "the plan was changed after it was made: its seal does not fit",
        "make it anew, and change specs, not plans: fwdctl plan --out FILE",
    ),
    "apply -f {tmp}/site.yaml --canary much --auto-approve": (
        1,
        "'much' is no number of chargers",
        "write a number such as 12, or 10%",
    ),
    "apply -f {tmp}/site.yaml": (
        1,
        "nobody can be asked whether to apply this",
        "--auto-approve applies without asking",
    ),
    "plan -f {tmp}/none": (1, "", ""),
    "plan -f {tmp}/empty.yaml": (1, "", ""),
    "plan -f {tmp}/empty": (1, "", ""),
    "plan -f {tmp}/site.yaml --select site=tpyo --prune": (
        1,
        "no given resource is within --target, --exclude and --select",
        "widen them",
    ),
    "plan -f {tmp}/site.yaml --target charger.x": (
        1,
        "--target charger.x matches no resource",
        "an address is kind.name, for example charger.cp001",
    ),
    "plan -f {tmp}/site.yaml --url http://127.0.0.1:1": (
        1,
        "no fwdctl server at http://127.0.0.1:1: connection refused",
        "start one: fwdctl serve",
    ),
    "plam": (1, "there is no verb plam", "did you mean fwdctl plan?"),
    "zzz": (1, "there is no verb zzz", "fwdctl --help"),
    "plan --selct site=a": (1, "No such option: --selct", "fwdctl plan --help"),
    "plan --parallelism": (1, "No such option: --parallelism", "fwdctl plan --help"),
    "outage cancel acme": (1, "Missing option '--reason'", "fwdctl outage cancel --help"),
    "outage start cp001 --for 1h --reason fire": (1, "Missing option '--primary'", "fwdctl outage start --help"),
    "explain": (1, "Missing argument 'charger'", "fwdctl explain --help"),
    "history --limit many": (1, "Invalid value for '--limit'", "fwdctl history --help"),
}


@pytest.mark.parametrize("typed", CASES)
async def test_an_error_names_the_next_step(server: Server, tmp_path: Path, typed: str) -> None:
    site = site_file(tmp_path, "cp001", "cp002")
    (tmp_path / "text.json").write_text("not JSON")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    (tmp_path / "empty").mkdir()
    if "forged" in typed:
        assert (await server.fwdctl("plan", "-f", site, "--out", tmp_path / "forged.json")).code == 0
        edit(tmp_path / "forged.json", "CP002", "CP666")
    code, what, then = CASES[typed]
    failed = await server.fwdctl(*(part.replace("{tmp}", str(tmp_path)) for part in typed.split()))
    lines = failed.err.splitlines()
    assert failed.code == code, failed.err
    error, hint = (next((line for line in lines if line.startswith(start)), "") for start in ("error: ", "hint: "))
    assert error.startswith(f"error: {what.replace('{tmp}', str(tmp_path))}"), failed.err
    assert hint.startswith(f"hint: {then}") or not then, failed.err
    assert hint or "hint" in failed.err, failed.err
    assert "Traceback" not in failed.err


@pytest.mark.parametrize("flags", [(), ("--prune",), ("--prune", "--auto-approve")])
@pytest.mark.parametrize("source", ["empty.yaml", "empty"])
async def test_nothing_at_all_is_never_delete_everything(
    server: Server, tmp_path: Path, source: str, flags: tuple[str, ...]
) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    (tmp_path / "empty").mkdir()
    refused = await server.fwdctl("apply", "-f", tmp_path / source, *flags)
    assert refused.code == 1
    left = await server.fwdctl("dump", "--json")
    assert len(left.json["documents"]) == 4


async def test_a_typo_in_select_is_refused_and_deletes_nothing(server: Server, tmp_path: Path) -> None:
    site = site_file(tmp_path, "cp001")
    refused = await server.fwdctl("apply", "-f", site, "--prune", "--select", "site=tpyo", "--auto-approve")
    assert refused.code == 1
    assert len((await server.fwdctl("dump", "--json")).json["documents"]) == 4
