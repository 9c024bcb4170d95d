"""Several nodes on one PostgreSQL: one steers all chargers wherever they are, and is relieved; no act is done twice."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.adapters.store import open_store
from reconciler.app.controller import PARALLELISM
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.test_admin_api import a_site
from tests.support.depot_specs import depot_with_contacts, outage_specs
from tests.support.fleet_of_nodes import depot, let_in, seen_at, until_seen
from tests.support.mail_server import mail_server
from tests.support.server import running_server
from tests.support.server_process import ServerProcess
from tests.support.web_server import web_server


async def until_owner_is(node: ServerProcess, wanted: str) -> None:
    """Wait until `wanted` owns the charger's transactions as this node runs it."""
    await until_seen(node, lambda seen: seen.owners().get("cp001") == wanted, within_s=60)


async def knows_the_charger(node: ServerProcess) -> bool:
    """Return True once this node has noticed what another one committed."""
    return (await node.fwdctl("status", "charger.cp001")).code == 0


@pytest.mark.slow
async def test_a_node_killed_as_an_outage_opens_is_relieved_and_nobody_is_told_twice(
    tmp_path: Path, postgres_url: str
) -> None:
    async with (
        mail_server() as mails,
        web_server() as posts,
        SimulatedCsms("partner") as partner,
        ServerProcess(tmp_path / "a", "--store", postgres_url) as acting,
        ServerProcess(tmp_path / "b", "--store", postgres_url) as other,
    ):
        site = tmp_path / "site.yaml"
        site.write_text(depot_with_contacts(partner.url, posts.url))
        await acting.apply("-f", site)
        async with asyncio.timeout(15):
            while not await knows_the_charger(other):
                pass
        station = SimulatedStation("CP-001", acting.stations_url)
        await station.connect()
        await station.boot()
        opening = (datetime.now(UTC) + timedelta(seconds=9)).replace(microsecond=0)
        site.write_text(site.read_text() + outage_specs(opening, "35s"))
        await acting.apply("-f", site)
        await posts.bell.until(lambda: len(posts.posted) >= 1, timeout_s=15)
        await until_owner_is(acting, "local")
        await acting.kill()

        await station.disconnect()
        station = SimulatedStation("CP-001", other.stations_url)
        await station.connect()
        await station.boot()
        await until_owner_is(other, "local")
        killed_at = datetime.now(UTC)
        await posts.bell.until(lambda: "start" in [post.json["edge"] for post in posts.posted], timeout_s=20)
        assert datetime.now(UTC) - killed_at < timedelta(seconds=16)
        await until_owner_is(other, "partner")
        await posts.bell.until(lambda: "end" in [post.json["edge"] for post in posts.posted], timeout_s=20)
        assert station.unexpected_disconnects == []
        await station.disconnect()
    told = {post.headers["idempotency-key"]: post.json["edge"] for post in posts.posted}
    assert list(told.values()) == ["before-1h", "start", "end"]
    assert mails.mails == []


@pytest.mark.slow
async def test_any_node_shows_and_changes_chargers_that_are_connected_to_another(
    tmp_path: Path, postgres_url: str
) -> None:
    async with (
        SimulatedCsms("partner", first_transaction_id=100) as partner,
        SimulatedCsms("second") as second,
        running_server(tmp_path / "a", store=postgres_url) as acting,
        running_server(tmp_path / "b", store=postgres_url) as other,
    ):
        site = tmp_path / "site.yaml"
        site.write_text(depot(2, partner=partner.url, second=second.url))
        await other.apply("-f", site)
        here, there = (
            SimulatedStation(identity, node.stations_url) for identity, node in (("CP-001", acting), ("CP-002", other))
        )
        async with here, there:
            for station in (here, there):
                await station.boot()
            everybody = {"cp001": "partner", "cp002": "partner"}
            shown = [await until_seen(node, lambda seen: seen.owners() == everybody) for node in (acting, other)]
            assert len({live["node"] for live in shown[0].chargers.values()}) == 2
            for node in (acting, other):  # the one that acts, and one that stands by
                toggled = await node.fwdctl("toggle", "cp*", "--primary", "second", "--reason", "visit")
                assert toggled.code == 0, toggled.out + toggled.err
                assert set((await seen_at(node)).owners().values()) == {"second"}
                ended = await node.fwdctl("toggle", "cp*", "--end")
                assert ended.code == 0, ended.out + ended.err
                await until_seen(acting, lambda seen: seen.owners() == everybody)
            assert [station.unexpected_disconnects for station in (here, there)] == [[], []]

            charging = await here.start_transaction(1, "TAG")
            again = SimulatedStation("CP-001", other.stations_url)
            again.memory = here.memory
            await again.connect()
            await here.journal.bell.until(lambda: not here.connected, timeout_s=5)
            await until_seen(acting, lambda seen: len({one["node"] for one in seen.chargers.values()}) == 1)
            await again.stop_transaction(charging)
            stopped = await partner.wait_for("StopTransaction")
            assert stopped.payload["transactionId"] == 100
            await again.disconnect()
        flips = (await acting.fwdctl("history", "--kind", "flip", "--json")).json["events"]
    by_charger = [event["charger"] for event in flips]
    assert sorted(by_charger) == ["cp001"] * 4 + ["cp002"] * 4
    assert {event["reason"] for event in flips if "second" in event["summary"].split("->")[-1]} == {"visit"}


@pytest.mark.slow
async def test_any_node_answers_for_an_apply_that_another_has_accepted(tmp_path: Path, postgres_url: str) -> None:
    async with (
        running_server(tmp_path / "a", store=postgres_url) as here,
        running_server(tmp_path / "b", store=postgres_url) as other,
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
        AsyncExitStack() as stack,
    ):
        store = await open_store(postgres_url, tmp_path)
        stack.push_async_callback(store.close)
        await store.acquire_lock("bob", "apply", datetime.now(UTC), 60)
        order = {"documents": a_site("cp001"), "actor": "ann", "lock_timeout_s": 60}
        started = (await http.post(f"{here.url}/v1/applies", json=order)).raise_for_status().json()
        url = f"{other.url}/v1/applies/{started['id']}"
        waits = (await http.get(url)).raise_for_status().json()
        assert (waits["state"], waits["seen"]) == ("running", 0)
        regretted = (await http.post(f"{here.url}/v1/applies", json=order)).raise_for_status().json()
        stopped = f"{other.url}/v1/applies/{regretted['id']}"
        (await http.post(f"{stopped}/stop", json={"actor": "ann"})).raise_for_status()
        state = await _ended(http, stopped)
        assert "ann asked to stop" in state["error"]["summary"], state
        await store.release_lock("bob")
        state = await _ended(http, url)
        assert (state["exit_code"], state["result"]["counts"]) == (0, {"deferred": 1})


async def _ended(http: httpx.AsyncClient, url: str) -> Any:
    """Return an apply once it is over."""
    state = (await http.get(url)).raise_for_status().json()
    while state["state"] == "running":
        state = (await http.get(url, params={"wait_s": 10, "seen": state["seen"]})).raise_for_status().json()
    return state


@pytest.mark.slow
async def test_an_acting_node_killed_in_the_middle_of_an_outages_start_is_relieved_and_nothing_happens_twice(
    tmp_path: Path, postgres_url: str
) -> None:
    chargers = PARALLELISM + 3
    async with (
        web_server() as posts,
        SimulatedCsms("partner") as partner,
        SimulatedCsms("second") as second,
        ServerProcess(tmp_path / "a", "--store", postgres_url) as acting,
        ServerProcess(tmp_path / "b", "--store", postgres_url) as other,
        AsyncExitStack() as stack,
    ):
        site = tmp_path / "site.yaml"
        site.write_text(depot(chargers, partner=partner.url, second=second.url, hook=posts.url))
        await acting.apply("-f", site)
        stations = [SimulatedStation(f"CP-{number:03}", other.stations_url) for number in range(1, chargers + 1)]
        for station in stations:
            await stack.enter_async_context(let_in(station))
            await station.boot()
        second.manners.handshake_held = asyncio.Event()
        opening = (datetime.now(UTC) + timedelta(seconds=8)).replace(microsecond=0)
        site.write_text(site.read_text() + outage_specs(opening, "60s", to="second"))
        await acting.apply("-f", site)
        dialled = second.journal.connections
        await second.journal.bell.until(lambda: len(dialled) >= PARALLELISM, timeout_s=30)
        await acting.kill()  # these are asked and not yet there, the last few are not asked
        killed_at = datetime.now(UTC)
        assert len(dialled) == PARALLELISM
        await second.journal.bell.until(lambda: len({one.identity for one in dialled}) == chargers, timeout_s=20)
        assert datetime.now(UTC) - killed_at < timedelta(seconds=15)
        second.manners.handshake_held.set()
        await until_seen(
            other, lambda seen: set(seen.owners().values()) == {"second"} and len(seen.owners()) == chargers
        )
        await posts.bell.until(lambda: "start" in [post.json["edge"] for post in posts.posted], timeout_s=20)
        begun = len(posts.posted)
        cancelled = await other.fwdctl("outage", "cancel", "firmware", "--reason", "seen enough")
        assert cancelled.code == 0, cancelled.out + cancelled.err
        await until_seen(other, lambda seen: set(seen.owners().values()) == {"partner"})
        await posts.bell.until(lambda: len(posts.posted) > begun, timeout_s=20)
        flips = (await other.fwdctl("history", "--kind", "flip", "--json", "--limit", "500")).json["events"]
        assert len(second.journal.matching("BootNotification")) == chargers  # dials that time out are made again
        assert [station.unexpected_disconnects for station in stations] == [[]] * chargers
    assert sorted(event["charger"] for event in flips) == sorted([f"cp{n:03}" for n in range(1, chargers + 1)] * 2)
    told = [post.headers["idempotency-key"] for post in posts.posted]
    assert len(set(told)) == len(told)
    assert [post.json["edge"] for post in posts.posted].count("start") == 1
