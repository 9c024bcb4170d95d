"""What happened just before the acting node died is told by its successor, once: real processes, real mail."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from reconciler.testing import SimulatedStation
from tests.support.depot_specs import as_yaml
from tests.support.mail_server import MailServer, mail_server
from tests.support.server_process import ServerProcess
from tests.support.specs import binding, charger, document, profile

SITE = as_yaml(
    profile(),
    *(charger(f"cp{number}", identity=f"CP-{number}") for number in (1, 2)),
    binding("a", {"local": "primary"}),
    document(
        "NotificationRule",
        "watch",
        chargers={"labels": {"site": "a"}},
        on=["security-event"],
        to=[{"email": "ops@depot.example"}],
        atMostPerHour=1000,
    ),
)
BUSY = "SELECT (SELECT count(*) FROM moments) + (SELECT count(*) FROM notifications WHERE status = 'pending')"
CLAIMING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'notifications'::regclass"


def subjects(mails: MailServer) -> Counter[str]:
    """Return what was told, and how often."""
    return Counter(str(mail["Subject"]) for mail in mails.mails)


async def report(station: SimulatedStation, kind: str) -> None:
    """Have a station report a security event of this type."""
    await station.call("SecurityEventNotification", {"type": kind, "timestamp": "2026-12-01T02:00:00Z"})


async def until_told(mails: MailServer, station: SimulatedStation, charger: str) -> None:
    """Report one thing after the other until one of them is told: from then on the station's node knows the rule."""
    for number in range(200):
        await report(station, f"Probe{number}")
        try:
            await mails.bell.until(
                lambda: any(told.startswith(f"{charger} reports a security event: Probe") for told in subjects(mails)),
                0.25,
            )
        except TimeoutError:
            continue
        await report(station, "Ready")  # the last one, so that nothing else is on its way
        await mails.bell.until(lambda: f"{charger} reports a security event: Ready" in subjects(mails), 20.0)
        return
    pytest.fail(f"nobody was told of {charger}")


async def noted(database: asyncpg.Connection) -> int:
    """Return how many of the last things are noted and not decided on."""
    return int(await database.fetchval("SELECT count(*) FROM moments WHERE detail = 'BeforeTheEnd'"))


@pytest.mark.slow
async def test_what_happened_before_the_acting_node_was_killed_is_told_once_by_its_successor(
    tmp_path: Path, postgres_url: str
) -> None:
    (tmp_path / "site.yaml").write_text(SITE)
    async with mail_server() as mails, AsyncExitStack() as stack:
        serve = ("--store", postgres_url, "--smtp", mails.url, "--mail-from", "noc@relay.example")
        acting = await stack.enter_async_context(ServerProcess(tmp_path / "a", *serve))
        await acting.apply("-f", tmp_path / "site.yaml")
        other = await stack.enter_async_context(ServerProcess(tmp_path / "b", *serve))
        database = await asyncpg.connect(postgres_url)
        stack.push_async_callback(database.close)
        here, there = SimulatedStation("CP-1", acting.stations_url), SimulatedStation("CP-2", other.stations_url)
        for station, charger in ((here, "cp1"), (there, "cp2")):
            await station.connect()
            await station.boot()
            await until_told(mails, station, charger)

        async with asyncio.timeout(20):
            while await database.fetchval(BUSY):  # noqa: ASYNC110 - it happens in two other processes
                await asyncio.sleep(0.05)
        async with database.transaction():
            await database.execute("LOCK TABLE notifications IN SHARE ROW EXCLUSIVE MODE")  # nobody can claim
            await report(here, "BeforeTheEnd")
            await report(there, "BeforeTheEnd")
            async with asyncio.timeout(20):
                while await noted(database) != 2 or not await database.fetchval(CLAIMING):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.05)
            await acting.kill()  # it has read them, and would claim now
            assert await noted(database) == 2
        wanted = {f"{charger} reports a security event: BeforeTheEnd" for charger in ("cp1", "cp2")}
        await mails.bell.until(lambda: wanted <= subjects(mails).keys(), 30.0)
        await report(there, "Afterwards")
        await mails.bell.until(lambda: "cp2 reports a security event: Afterwards" in subjects(mails), 20.0)
        assert await noted(database) == 0
        await there.disconnect()
    assert set(subjects(mails).values()) == {1}
