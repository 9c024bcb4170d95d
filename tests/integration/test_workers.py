"""`serve --workers 2`: several processes on one port and one PostgreSQL, to stations and people one server."""

import asyncio
import json
import os
import re
import signal
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.fleet_of_nodes import depot, let_in, seen_at, until_seen
from tests.support.server_process import ServerProcess, fwdctl

CHARGERS = 12


async def metrics(server: ServerProcess) -> dict[str, float]:
    """Return every series that one scrape gives."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{server.url}/metrics")).raise_for_status().text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


async def workers_down(server: ServerProcess) -> list[str]:
    """Return the workers that do not answer."""
    numbers = await metrics(server)
    return [name for name in ("front", "1", "2") if numbers[f'fwdctl_worker_up{{worker="{name}"}}'] == 0]


@pytest.mark.slow
async def test_two_workers_share_a_port_one_that_is_killed_is_replaced_and_none_outlives_the_supervisor(
    tmp_path: Path, postgres_url: str
) -> None:
    async with (
        SimulatedCsms("partner") as partner,
        SimulatedCsms("second") as second,
        ServerProcess(tmp_path / "data", "--workers", "2", "--store", postgres_url) as server,
        AsyncExitStack() as stack,
    ):
        (tmp_path / "site.yaml").write_text(depot(CHARGERS, partner=partner.url, second=second.url))
        await server.apply("-f", tmp_path / "site.yaml")
        stations = [SimulatedStation(f"CP-{number:03}", server.stations_url) for number in range(1, CHARGERS + 1)]
        for station in stations:
            await stack.enter_async_context(let_in(station))
            await station.boot()
        seen = await until_seen(server, lambda seen: Counter(seen.owners().values()) == {"partner": CHARGERS})
        spread = Counter(live["node"].rpartition("-")[2] for live in seen.chargers.values())
        assert set(spread) == {"1", "2"}  # of 2048 such dozens one would not be spread

        numbers = await metrics(server)
        connected = {worker: numbers[f'fwdctl_chargers{{connected="yes",worker="{worker}"}}'] for worker in ("1", "2")}
        assert connected == {worker: float(count) for worker, count in spread.items()}
        assert numbers['fwdctl_chargers{connected="no",worker="front"}'] == 0
        assert await workers_down(server) == []

        assert server.ready_line.endswith(", 2 workers\n")
        assert json.loads((tmp_path / "data" / "serve.json").read_text())["pid"] == server.pid
        flipped = depot(CHARGERS, partner=partner.url, second=second.url).replace("backend: partner", "backend: second")
        (tmp_path / "site.yaml").write_text(flipped)
        await server.apply("-f", tmp_path / "site.yaml", "--max-disruption", "100%")
        assert Counter((await seen_at(server)).owners().values()) == {"second": CHARGERS}
        assert [station.unexpected_disconnects for station in stations] == [[]] * CHARGERS

        front, killed, other = server.children
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(10):
            while len(down := await workers_down(server)) == 0:
                pass
            gone: list[SimulatedStation] = []
            while len(gone) < spread[down[0]]:
                await asyncio.sleep(0)
                gone = [station for station in stations if not station.connected]
        for station in gone:
            await station.connect()
            await station.boot()
        await until_seen(server, lambda seen: Counter(seen.owners().values()) == {"second": CHARGERS})
        assert await gone[0].authorize("TAG") == "Accepted"
        async with asyncio.timeout(20):
            while await workers_down(server):
                pass
        after = server.children
        assert {front, other} < set(after)
        assert len(after) == 3

        await server.kill()
        await server.until_gone(*after)


async def test_several_workers_on_sqlite_are_refused_with_what_to_give(tmp_path: Path) -> None:
    refused = await fwdctl("serve", "--data", tmp_path, "--workers", "2")
    assert refused.code == 1
    assert re.search(r"error: 2 workers can't share a SQLite file", refused.err)
    assert "--store postgresql://" in refused.err
