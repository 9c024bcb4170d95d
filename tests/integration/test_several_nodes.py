"""Several nodes on one PostgreSQL: what one commits all run, a killed one is relieved, and nobody is told twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.test_live_outages import OUTAGE, SITE
from tests.support.mail_server import mail_server
from tests.support.server_process import ServerProcess
from tests.support.web_server import web_server


async def owner(node: ServerProcess) -> str:
    """Return who owns the charger's transactions as this node runs it, "" where it is not connected there."""
    (charger,) = (await node.fwdctl("status", "charger.cp001", "--json")).json["chargers"]
    owners = (charger["live"] or {}).get("owners") or {}
    return str(owners.get("transactions", ""))


async def until_owner_is(node: ServerProcess, wanted: str) -> None:
    """Wait until `wanted` owns it there."""
    async with asyncio.timeout(60):
        while await owner(node) != wanted:
            pass  # each look is a process of its own, so this is no busy loop


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
        site.write_text(SITE.format(partner=partner.url, hook=posts.url))
        await acting.apply("-f", site)
        async with asyncio.timeout(15):
            while not await knows_the_charger(other):
                pass
        station = SimulatedStation("CP-001", acting.stations_url)
        await station.connect()
        await station.boot()
        opening = (datetime.now(UTC) + timedelta(seconds=9)).replace(microsecond=0)
        site.write_text(site.read_text() + OUTAGE.format(start=f"{opening:%Y-%m-%dT%H:%M:%SZ}", duration="35s"))
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
