"""Following an apply as a person does: Ctrl-C once and twice, the bar on a terminal, a server that is restarted."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.depot_specs import ONE_OWNS, depot_specs, one_owns
from tests.support.server import Server, running_server
from tests.support.server_process import ServerProcess, start

SPARE = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {name: spare}
spec: {profile: 0}
"""
WITHIN_S = 60.0


@dataclass
class Depot:
    """Two chargers, connected and owned by partner; grid keeps whoever registers there waiting until `let_go`."""

    server: Server | ServerProcess
    partner: SimulatedCsms
    grid: SimulatedCsms
    folder: Path

    def site(self, owner: str) -> Path:
        """Write the site with `owner` as primary; the other is off."""
        file = self.folder / f"{owner}.yaml"
        urls = {"partner": self.partner.url, "grid": self.grid.url}
        file.write_text(depot_specs(urls, one_owns(owner), chargers=2))
        return file

    async def begin(self, stderr: int = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
        """Have a process of its own apply that everything goes to grid, one charger after the other."""
        return await start(
            *("apply", "-f", self.site("grid"), "--auto-approve", "--parallelism", "1", "--max-disruption", "100%"),
            environ={"FWDCTL_URL": self.server.url, "TERM": "xterm"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )

    def let_go(self) -> None:
        """Have grid answer."""
        self.grid.manners.held["BootNotification"].set()


async def connected(stack: AsyncExitStack, server: Server | ServerProcess, folder: Path) -> Depot:
    """Return the depot at work at this server."""
    partner = await stack.enter_async_context(SimulatedCsms("partner"))
    grid = await stack.enter_async_context(SimulatedCsms("grid"))
    depot = Depot(server, partner, grid, folder)
    await server.apply("-f", depot.site("partner"))
    await come_in(stack, server)
    grid.manners.held["BootNotification"] = asyncio.Event()
    return depot


async def come_in(stack: AsyncExitStack, server: Server | ServerProcess) -> None:
    """Let both stations connect and boot."""
    for identity in ("CP-001", "CP-002"):
        station = await stack.enter_async_context(SimulatedStation(identity, server.stations_url))
        await station.boot()


@pytest.fixture
async def depot(tmp_path: Path) -> AsyncIterator[Depot]:
    """A depot at a server in this process."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(tmp_path / "data"))
        yield await connected(stack, server, tmp_path)


async def until_told(process: asyncio.subprocess.Process, text: str) -> str:
    """Return the line of stderr that has `text`, once it is there."""
    assert process.stderr is not None
    async with asyncio.timeout(WITHIN_S):
        while line := (await process.stderr.readline()).decode():
            if text in line:
                return line
    raise AssertionError(f"it ended without telling {text!r}")


async def under_way(depot: Depot, process: asyncio.subprocess.Process) -> None:
    """Wait until the first charger registers at grid, and the process follows that."""
    await until_told(process, "committed, 2 chargers to bring there")
    await depot.grid.wait_for("BootNotification")


async def test_ctrl_c_stops_the_apply_after_what_is_under_way_and_the_rest_runs_as_before(depot: Depot) -> None:
    process = await depot.begin()
    await under_way(depot, process)
    process.send_signal(signal.SIGINT)
    await until_told(process, "stopping after the chargers that are under way")
    depot.let_go()
    _, told = await process.communicate()
    assert process.returncode == 7, told
    assert b"stopped before every charger had its turn" in told
    assert b"hint: go on: fwdctl apply --resume " in told
    chargers = (await depot.server.fwdctl("status", "--json")).json["chargers"]
    assert [charger["live"]["owners"]["transactions"] for charger in chargers] == ["grid", "partner"]
    waits = "apply {} has not come to it; where that was stopped: fwdctl apply --resume {}".replace(
        "{}", chargers[1]["held"]["apply"]
    )
    assert (chargers[0]["held"], f"hint: go on: {waits.split(': ')[1]}".encode() in told) == (None, True)
    assert "cp002    in sync (held)" in (await depot.server.fwdctl("status")).out
    assert f"  runs as of revision 1: {waits}\n" in (await depot.server.fwdctl("status", "charger.cp002")).out
    explained = (await depot.server.fwdctl("explain", "cp002")).out
    assert f"  every feature: partner, declared by backend-binding.depot-a as of revision 1: {waits}\n" in explained
    assert (await depot.server.fwdctl("rollback", "1", "--auto-approve")).code == 0
    chargers = (await depot.server.fwdctl("status", "--json")).json["chargers"]
    assert [(charger["live"]["owners"]["transactions"], charger["held"]) for charger in chargers] == [
        ("partner", None),
        ("partner", None),
    ]


async def test_of_two_applies_at_once_the_second_is_refused_or_waits(depot: Depot) -> None:
    more = depot.folder / "more.yaml"
    more.write_text(SPARE)
    first = await depot.begin()
    await under_way(depot, first)
    refused = await depot.server.fwdctl("apply", "-f", more, "--auto-approve")
    assert refused.code == 5
    assert " holds the apply lock since " in refused.err
    assert "\nhint: wait for it: --lock-timeout 10m; if " in refused.err
    waiting = await start(
        *("apply", "-f", more, "--auto-approve", "--lock-timeout", "60s"),
        environ={"FWDCTL_URL": depot.server.url},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WITHIN_S):
        while not await asyncio.to_thread(_taken, depot.server.url, 4):  # the depot's, the first, the refused, this one
            pass
    assert waiting.returncode is None
    depot.let_go()
    (_, told), (out, err) = await first.communicate(), await waiting.communicate()
    assert (first.returncode, waiting.returncode) == (0, 0), told + err
    assert out.endswith(b"Applied as revision 3. Chargers: none touched.\n")


def _taken(url: str, applies: int) -> bool:
    """Return whether the server has taken so many orders to apply."""
    counted = f'fwdctl_api_requests_total{{route="/v1/applies",status="202"}} {applies}.0'
    return counted in httpx.get(f"{url}/metrics", trust_env=False).text


async def test_ctrl_c_twice_leaves_the_apply_to_the_server_and_tells_how_to_follow_it(depot: Depot) -> None:
    process = await depot.begin()
    await under_way(depot, process)
    process.send_signal(signal.SIGINT)
    await until_told(process, "Ctrl-C again leaves the apply to the server")
    process.send_signal(signal.SIGINT)
    apply_id = (await until_told(process, "the apply goes on in the server")).split()[-1]
    assert await process.wait() == 130
    depot.let_go()
    followed = await depot.server.fwdctl("apply", "--follow", apply_id)
    assert followed.code == 7, followed.err
    assert "asked to stop" in followed.err


async def test_an_apply_that_is_over_is_followed_after_a_restart(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(depot_specs(dict.fromkeys(ONE_OWNS, "ws://127.0.0.1:1"), one_owns("partner"), chargers=2))
    async with running_server(tmp_path / "data") as server:
        applied = await server.fwdctl("apply", "-f", site, "--auto-approve", "--json")
    async with running_server(tmp_path / "data") as server:
        followed = await server.fwdctl("apply", "--follow", applied.events[-1]["id"])
        named = "  deferred, at its next connection: cp001, cp002\n"
        told = f"{named}Applied as revision 1. Chargers: 2 deferred.\n"
        assert (followed.code, followed.out) == (0, told), followed.err
        streamed = await server.fwdctl("apply", "--follow", applied.events[-1]["id"], "--json")
        assert streamed.events[-1] == applied.events[-1]
        unknown = await server.fwdctl("apply", "--follow", "nonsense")
        assert (unknown.code, "there is no apply nonsense" in unknown.err) == (1, True)


async def test_a_terminal_shows_a_bar_that_moves_to_its_end(depot: Depot) -> None:
    screen, terminal = os.openpty()
    try:
        process = await depot.begin(stderr=terminal)
    finally:
        os.close(terminal)
    shown = asyncio.get_running_loop().run_in_executor(None, _all_of, screen)
    await depot.grid.wait_for("BootNotification")
    depot.let_go()
    out, _ = await process.communicate()
    text = (await shown).decode()
    assert (process.returncode, b"Chargers: 2 applied." in out) == (0, True), text
    assert "applying" in text
    assert "\u2501" in text
    assert "2/2" in text
    assert "committed, 2 chargers to bring there" in text
    assert "of 2 chargers" not in text


async def test_who_follows_waits_for_a_server_that_is_killed_and_started_again(tmp_path: Path) -> None:
    admin = f"127.0.0.1:{_free_port()}"
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ServerProcess(tmp_path / "data", "--admin", admin))
        depot = await connected(stack, server, tmp_path)
        process = await depot.begin()
        await under_way(depot, process)
        await server.kill()
        await until_told(process, "waiting for it, the apply goes on once it is back")
        depot.let_go()
        await server.start()
        await until_told(process, "taken up again: 0 of 2 chargers are connected again; the others are waited for")
        await come_in(stack, server)
        out, told = await process.communicate()
        assert process.returncode == 0, told
        assert out.endswith(b"Applied as revision 2. Chargers: 2 applied.\n")


def _all_of(screen: int) -> bytes:
    """Return everything that is shown until the last process has left the terminal."""
    shown = b""
    with os.fdopen(screen, "rb", buffering=0) as reader:
        try:
            while piece := reader.read(4096):
                shown += piece
        except OSError:  # Linux says so, where others say that it has ended
            pass
    return shown


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
