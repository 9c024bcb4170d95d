"""Outages in real time on real sockets: told ahead, flipped without a disconnect, refused meanwhile, given back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.depot_specs import depot_with_contacts, outage_specs
from tests.support.mail_server import MailServer, calendar_of, mail_server
from tests.support.server import Server, running_server
from tests.support.web_server import WebServer, web_server


@dataclass
class Depot:
    """One charger, owned by partner, whose people read mail and whose systems take posts."""

    server: Server
    partner: SimulatedCsms
    station: SimulatedStation
    mails: MailServer
    posts: WebServer
    folder: Path

    async def apply(self, *, starts_in_s: float | None = None, duration: str = "2s") -> datetime:
        """Apply the site, with an outage if that starts; return when it opens."""
        opening = (datetime.now(UTC) + timedelta(seconds=starts_in_s or 0)).replace(microsecond=0)
        text = depot_with_contacts(self.partner.url, self.posts.url)
        if starts_in_s is not None:
            text += outage_specs(opening, duration)
        file = self.folder / "site.yaml"
        file.write_text(text)
        await self.server.apply("-f", file)
        return opening

    async def owner(self) -> str:
        """Return who owns the charger's transactions, live."""
        (charger,) = (await self.server.fwdctl("status", "charger.cp001", "--json")).json["chargers"]
        return str(charger["live"]["owners"]["transactions"])

    async def until_owner_is(self, wanted: str) -> None:
        """Wait until `wanted` owns it."""
        async with asyncio.timeout(30):
            while await self.owner() != wanted:
                pass  # each look is a command of its own, so this is no busy loop

    async def notices(self) -> int:
        """Return how many messages history has."""
        listed = await self.server.fwdctl("history", "--json")
        return [event["kind"] for event in listed.json["events"]].count("notice")

    async def reset(self) -> str:
        """Have partner reset the station, and return what it is told."""
        answer = await self.partner.station("CP-001").call("Reset", {"type": "Soft"})
        return str(answer["status"])


@pytest.fixture
async def depot(tmp_path: Path) -> AsyncIterator[Depot]:
    """The depot at work."""
    async with AsyncExitStack() as stack:
        mails = await stack.enter_async_context(mail_server())
        posts = await stack.enter_async_context(web_server())
        partner = await stack.enter_async_context(SimulatedCsms("partner"))
        settings = {"smtp": mails.url, "mail_from": "Operations <noc@relay.example>"}
        server = await stack.enter_async_context(running_server(tmp_path / "data", **settings))
        station = SimulatedStation("CP-001", server.stations_url)
        depot = Depot(server, partner, station, mails, posts, tmp_path)
        await depot.apply()
        await stack.enter_async_context(station)
        await station.boot()
        await partner.wait_for("BootNotification")
        yield depot


@pytest.mark.slow
async def test_an_outage_is_told_opens_refuses_and_gives_back_and_the_station_never_notices(depot: Depot) -> None:
    await depot.apply(starts_in_s=5, duration="4s")
    await depot.posts.bell.until(lambda: len(depot.posts.posted) >= 1, timeout_s=10)
    await depot.until_owner_is("local")
    assert await depot.reset() == "Rejected"
    told = (await depot.server.fwdctl("explain", "cp001")).out
    assert "scheduled-outage.firmware (quarterly firmware)" in told
    await depot.until_owner_is("partner")
    await depot.mails.bell.until(lambda: len(depot.mails.mails) >= 3, timeout_s=15)
    await depot.posts.bell.until(lambda: len(depot.posts.posted) >= 3, timeout_s=15)
    assert depot.station.unexpected_disconnects == []
    assert [post.json["edge"] for post in depot.posts.posted] == ["before-1h", "start", "end"]
    assert [mail["Subject"].partition(":")[0] for mail in depot.mails.mails] == [
        "Planned outage",
        "Outage has begun",
        "Outage is over",
    ]
    assert depot.posts.posted[0].json["late"] is True
    assert len({str(calendar_of(mail)[1]["uid"]) for mail in depot.mails.mails}) == 1
    async with asyncio.timeout(15):  # history has a message once its server is known to have taken it
        while (told_of := await depot.notices()) < 6:
            pass  # each look is a command of its own
    assert told_of == 6


async def test_an_outage_begun_at_the_command_line_is_extended_shown_and_ended_there(depot: Depot) -> None:
    fwdctl = depot.server.fwdctl
    begun = await fwdctl(
        *("outage", "start", "cp001", "--primary", "local", "--for", "1h", "--reason", "fire drill"),
        *("--tell", "partner", "--json"),
    )
    assert begun.code == 0, begun.err
    name = begun.json["occurrence"]["outage"]
    assert await depot.owner() == "local"
    await depot.posts.bell.until(lambda: len(depot.posts.posted) >= 1, timeout_s=10)
    assert depot.posts.posted[0].json["reason"] == "fire drill"
    extended = await fwdctl("outage", "extend", name, "--by", "30m", "--reason", "not out yet", "--json")
    assert extended.json["occurrence"]["until"] > begun.json["occurrence"]["until"]
    assert f"{name}  open until" in (await fwdctl("outage", "list")).out
    assert "(fire drill)" in (await fwdctl("explain", "cp001")).out
    later = f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    assert "declared by backend-binding.depot-a" in (await fwdctl("explain", "cp001", "--at", later)).out
    ended = await fwdctl("outage", "cancel", name, "--reason", "out")
    assert (ended.code, "1 charger moved" in ended.out) == (0, True), ended.err
    assert await depot.owner() == "partner"
    assert (await fwdctl("outage", "next")).out == "No outage is to come.\n"


async def test_notices_that_can_not_be_delivered_are_shown(depot: Depot) -> None:
    depot.posts.status, depot.mails.refuse = 500, "550 no such user"
    await depot.apply(starts_in_s=1800)
    await depot.posts.bell.until(lambda: len(depot.posts.posted) >= 1, timeout_s=10)
    async with asyncio.timeout(10):
        while "the webhook answered HTTP 500" not in (shown := (await depot.server.fwdctl("status")).out):
            pass
    assert "Notice not delivered (pending)" in shown
    assert "the webhook answered HTTP 500" in (await depot.server.fwdctl("outage", "list")).out


@pytest.mark.slow
async def test_an_owner_that_goes_away_is_stood_in_for_and_comes_back(depot: Depot) -> None:
    assert (await depot.server.fwdctl("failover", "list")).out == "Nobody stands in for anybody.\n"
    await depot.partner.stop()
    await depot.until_owner_is("local")
    (listed,) = (await depot.server.fwdctl("failover", "list", "--json")).json["failovers"]
    assert (listed["charger"], listed["backend"], listed["to"]) == ("cp001", "partner", "local")
    assert "partner is down, local stands in" in (await depot.server.fwdctl("explain", "cp001")).out
    await depot.partner.start()
    await depot.until_owner_is("partner")
    assert depot.station.unexpected_disconnects == []


async def test_what_is_wrong_is_said_before_anything_happens(depot: Depot) -> None:
    for arguments, words in [
        (("outage", "cancel", "nothing", "--reason", "x"), "there is no outage nothing"),
        (("outage", "cancel", "nothing", "--reason", "x", "--at", "noon"), "--at: 'noon' is not a time"),
        (("explain", "cp999"), "there is no charger cp999"),
        (("failover", "end", "cp999"), "there is no charger cp999"),
    ]:
        refused = await depot.server.fwdctl(*arguments)
        assert (refused.code, refused.out, words in refused.err) == (1, "", True), refused.err
