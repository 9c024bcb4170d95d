"""The server as a process: how it starts, refuses to start, stops, is killed, and comes back."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reconciler.cli import following
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.depot_specs import depot_specs, one_owns
from tests.support.server_process import ServerProcess, fwdctl, start


@pytest.fixture
async def csms() -> AsyncIterator[SimulatedCsms]:
    """A CSMS for both back-ends."""
    async with SimulatedCsms("csms") as running:
        yield running


def site_file(folder: Path, owner: str, csms: SimulatedCsms, grid: SimulatedCsms) -> Path:
    """Write a site of one charger with `owner` as primary."""
    file = folder / f"{owner}.yaml"
    urls = {"partner": csms.url, "grid": grid.url}
    file.write_text(depot_specs(urls, one_owns(owner), flip={"confirmWithin": "60s"}))
    return file


async def test_it_says_where_it_is_and_stops_when_told_to(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    await server.start()
    facts = json.loads((tmp_path / "data" / "serve.json").read_text())
    assert facts["admin"] in server.ready_line
    assert facts["stations"] in server.ready_line
    assert facts["pid"] == server.pid
    os.kill(server.pid, signal.SIGHUP)  # has no certificates to read again, and is no end
    assert (await server.fwdctl("status")).code == 0
    assert await server.stop() == 0
    assert not (tmp_path / "data" / "serve.json").exists()


async def test_a_stop_closes_stations_as_going_away(tmp_path: Path, csms: SimulatedCsms) -> None:
    async with ServerProcess(tmp_path / "data") as server:
        await server.apply("-f", site_file(tmp_path, "partner", csms, csms))
        async with SimulatedStation("CP-001", server.stations_url) as station:
            await station.boot()
            assert await server.stop() == 0
            closed = await station.wait_disconnected()
    assert (closed.code, closed.asked_for) == (1001, False)


async def test_settings_come_from_a_file_and_from_variables(tmp_path: Path) -> None:
    config = tmp_path / "fwdctl.toml"
    config.write_text('stations = "nonsense"\nsecrets = "vault"\n')
    refused = await fwdctl("serve", environ={"FWDCTL_CONFIG": str(config), "FWDCTL_DATA": str(tmp_path / "data")})
    assert (refused.code, refused.err.splitlines()[0]) == (1, "error: 'nonsense' is no address to listen on")


async def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path / "data") as server:
        refused = await fwdctl("serve", "--data", tmp_path / "data", "--stations", "127.0.0.1:0")
    assert refused.code == 1
    assert refused.err.startswith(f"error: another fwdctl serve (pid {server.pid}) uses the data directory")


@pytest.mark.parametrize("flag", ["--stations", "--admin"])
async def test_a_taken_port_is_one_clear_error(tmp_path: Path, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        others = {"--stations": "127.0.0.1:0", "--admin": "127.0.0.1:0"} | {flag: address}
        flags = [text for pair in others.items() for text in pair]
        refused = await fwdctl("serve", "--data", tmp_path / "data", *flags)
    assert refused.code == 1
    assert address in refused.err
    assert [line.split(":")[0] for line in refused.err.splitlines()] == ["error", "hint"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--store", "mysql://host/db"], "sqlite:///"),
        (["--admin", "0.0.0.0:0"], "FWDCTL_ADMIN_TOKEN"),
        (["--data", "/dev/null/data"], "--data"),
    ],
)
async def test_what_it_cannot_start_with_is_one_clear_error(tmp_path: Path, arguments: list[str], words: str) -> None:
    ports = ["--stations", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    refused = await fwdctl("serve", "--data", tmp_path / "data", *ports, *arguments)
    assert (refused.code, refused.out) == (1, "")
    assert words in refused.err
    assert "Traceback" not in refused.err


async def test_with_a_token_only_who_has_it_is_let_in(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path / "data", environ={"FWDCTL_ADMIN_TOKEN": "correct horse"}) as server:
        without = await server.fwdctl("status", "--json")
        wrong = await server.fwdctl("status", "--token", "battery staple")
        right = await server.fwdctl("status", "--json", environ={"FWDCTL_TOKEN": "correct horse"})
    assert (without.code, wrong.code, right.code) == (8, 8, 0)
    assert json.loads(without.err)["error"]["kind"] == "not-authorised"
    assert "horse" not in without.err + wrong.err


async def test_a_server_killed_in_the_middle_of_an_apply_comes_back_to_what_was_applied(
    tmp_path: Path, csms: SimulatedCsms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AWAY_S", 0.0)
    async with SimulatedCsms("grid") as grid, ServerProcess(tmp_path / "data") as server:
        grid.manners.held["BootNotification"] = asyncio.Event()
        await server.apply("-f", site_file(tmp_path, "partner", csms, grid))
        station = SimulatedStation("CP-001", server.stations_url)
        await station.connect()
        await station.boot()
        applying = asyncio.ensure_future(
            server.fwdctl("apply", "--auto-approve", "-f", site_file(tmp_path, "grid", csms, grid))
        )
        await grid.wait_for("BootNotification")
        await server.kill()
        cut_off = await applying
        assert cut_off.code == 1
        assert "no fwdctl server at" in cut_off.err
        await station.disconnect()
        grid.manners.held["BootNotification"].set()

        await server.start()
        station = SimulatedStation("CP-001", server.stations_url)
        await station.connect()
        await station.boot()
        await grid.wait_for("BootNotification", count=2)
        planned = await server.fwdctl("plan", "-f", tmp_path / "grid.yaml", "--detailed-exitcode")
        (charger,) = (await server.fwdctl("status", "--json")).json["chargers"]
        await station.disconnect()
    assert planned.code == 0, planned.out
    assert charger["live"]["owners"]["transactions"] == "grid"


async def test_without_a_server_every_verb_says_how_to_start_one() -> None:
    refused = await fwdctl("status", "--url", "http://127.0.0.1:1")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "error: no fwdctl server at http://127.0.0.1:1: connection refused\nhint: start one: fwdctl serve\n"
    )


async def test_status_is_watched_until_ctrl_c(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path / "data") as server:
        watching = await start("status", "--watch", "--url", server.url, stdout=asyncio.subprocess.PIPE)
        assert watching.stdout is not None
        lines = [await watching.stdout.readline() for _ in range(2)]
        os.kill(watching.pid, signal.SIGINT)
        await watching.communicate()
    assert lines == [b"No charger is declared.\n"] * 2
    assert watching.returncode == 130
