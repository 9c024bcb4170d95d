"""The command line on chargers that are connected: flips, failures, drift, and following an apply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.depot_specs import depot_specs, one_owns
from tests.support.server import Server, running_server

FREEZE = """\
apiVersion: fwdctl/v1
kind: ChangeWindow
metadata: {name: freeze}
spec:
  action: deny
  chargers: {labels: {site: a}}
  window: {cron: "* * * * *", duration: 1h, timeZone: UTC}
"""


@dataclass
class Depot:
    """One charger, connected and owned by partner, with grid as a back-end that may take over."""

    server: Server
    partner: SimulatedCsms
    grid: SimulatedCsms
    station: SimulatedStation
    folder: Path

    def site(self, owner: str, confirm_within: str = "20s") -> Path:
        """Write the site with `owner` as primary; the other is off."""
        file = self.folder / f"{owner}-{confirm_within}.yaml"
        urls = {"partner": self.partner.url, "grid": self.grid.url}
        file.write_text(depot_specs(urls, one_owns(owner), flip={"confirmWithin": confirm_within}))
        return file


@pytest.fixture
async def depot(tmp_path: Path) -> AsyncIterator[Depot]:
    """A depot at work."""
    async with AsyncExitStack() as stack:
        partner = await stack.enter_async_context(SimulatedCsms("partner"))
        grid = await stack.enter_async_context(SimulatedCsms("grid"))
        server = await stack.enter_async_context(running_server(tmp_path / "data"))
        station = SimulatedStation("CP-001", server.stations_url)
        depot = Depot(server, partner, grid, station, tmp_path)
        await server.apply("-f", depot.site("partner"))
        await stack.enter_async_context(station)
        await station.boot()
        await partner.wait_for("BootNotification")
        yield depot


async def owner_of_transactions(server: Server) -> str:
    """Return who owns transactions on the charger, live."""
    (charger,) = (await server.fwdctl("status", "charger.cp001", "--json")).json["chargers"]
    return str(charger["live"]["owners"]["transactions"])


async def test_an_apply_flips_a_connected_charger_and_a_plan_is_empty_afterwards(depot: Depot) -> None:
    applied = await depot.server.fwdctl("apply", "-f", depot.site("grid"), "--auto-approve")
    assert applied.code == 0, applied.err
    assert "1 flipped live" in applied.out
    assert "Chargers: 1 applied." in applied.out
    assert await owner_of_transactions(depot.server) == "grid"
    assert (await depot.server.fwdctl("plan", "-f", depot.site("grid"), "--detailed-exitcode")).code == 0
    assert depot.station.unexpected_disconnects == []


async def test_status_tells_owners_and_legs_for_people(depot: Depot) -> None:
    listed = (await depot.server.fwdctl("status")).out.splitlines()
    detailed = (await depot.server.fwdctl("status", "charger.cp001")).out
    assert listed[0].split() == ["CHARGER", "STATE", "VERSION", "OWNERS", "LEGS", "TRANSACTIONS"]
    assert listed[1].split()[0] == "cp001"
    assert "ocpp1.6" in listed[1]
    assert "leg partner: primary, registered since" in detailed


async def test_a_toggle_flips_at_once_and_its_end_flips_back(depot: Depot) -> None:
    toggled = await depot.server.fwdctl("toggle", "cp001", "--primary", "local", "--for", "1h", "--reason", "visit")
    assert (toggled.code, toggled.out.startswith("cp001: applied until ")) == (0, True), toggled.err
    assert await owner_of_transactions(depot.server) == "local"
    extended = await depot.server.fwdctl("toggle", "cp001", "--extend", "30m", "--reason", "spare part is late")
    assert (extended.code, extended.out > toggled.out) == (0, True), extended.err
    listed = (await depot.server.fwdctl("toggle", "--list")).out.splitlines()
    assert [line.split()[0] for line in listed] == ["CHARGER", "cp001"]
    ended = await depot.server.fwdctl("toggle", "cp001", "--end")
    assert (ended.code, ended.out) == (0, "cp001: applied\n")
    assert (await depot.server.fwdctl("toggle", "--list")).out == "No toggle is in force.\n"
    assert await owner_of_transactions(depot.server) == "partner"
    kinds = [event["kind"] for event in (await depot.server.fwdctl("history", "--json")).json["events"]]
    assert {"toggle", "toggle-ended", "flip"} <= set(kinds)


async def test_a_flip_that_its_new_owner_does_not_take_is_applied_in_part_and_shows_as_drift(depot: Depot) -> None:
    depot.grid.books.boot_status = "Rejected"
    applied = await depot.server.fwdctl("apply", "-f", depot.site("grid", "1s"), "--auto-approve")
    assert applied.code == 7
    assert "Chargers: 1 failed." in applied.out
    assert "error: 1 of 1 chargers failed: cp001: " in applied.err
    assert "\nhint: the specs are applied and the server keeps trying: fwdctl status\n" in applied.err
    assert await owner_of_transactions(depot.server) == "partner"
    drift = await depot.server.fwdctl("drift")
    assert (drift.code, drift.out.startswith("cp001: refused, ")) == (2, True)
    explained = (await depot.server.fwdctl("explain", "cp001")).out
    assert "\n  not so yet: grid answered BootNotification with Rejected\n" in explained


async def test_a_change_window_that_says_no_refuses_the_apply_unless_it_is_ignored(depot: Depot) -> None:
    (depot.folder / "freeze.yaml").write_text(FREEZE)
    await depot.server.apply("-f", depot.folder / "freeze.yaml")
    refused = await depot.server.fwdctl("apply", "-f", depot.site("grid"), "--auto-approve")
    assert refused.code == 4
    assert "hint: --override-window --reason TEXT allows it" in refused.err
    unexplained = await depot.server.fwdctl("apply", "-f", depot.site("grid"), "--auto-approve", "--override-window")
    assert (unexplained.code, "needs a reason" in unexplained.err) == (1, True)
    assert await owner_of_transactions(depot.server) == "partner"
    await depot.server.apply("-f", depot.site("grid"), "--override-window", "--reason", "storm")
    assert await owner_of_transactions(depot.server) == "grid"


async def test_an_apply_can_be_followed_by_somebody_else(depot: Depot) -> None:
    depot.grid.manners.held["BootNotification"] = asyncio.Event()
    applying = asyncio.ensure_future(depot.server.fwdctl("apply", "-f", depot.site("grid"), "--auto-approve", "--json"))
    await depot.grid.wait_for("BootNotification")
    waiting = await asyncio.to_thread(_lock, depot.server.url)  # a second command would take the first one's stdout
    depot.grid.manners.held["BootNotification"].set()
    applied = await applying
    followed = await depot.server.fwdctl("apply", "--follow", applied.events[-1]["id"])
    assert waiting["purpose"] == f"apply {applied.events[-1]['id']}"
    assert (applied.code, followed.code) == (0, 0)
    assert followed.out == "Applied as revision 2. Chargers: 1 applied.\n", followed.err


async def test_metrics_count_chargers_without_naming_them(depot: Depot) -> None:
    numbers = await asyncio.to_thread(_metrics, depot.server.url)
    assert 'fwdctl_chargers{connected="yes"} 1.0' in numbers
    assert 'fwdctl_csms_legs{phase="registered"} 1.0' in numbers
    assert "cp001" not in numbers.lower()


def _lock(url: str) -> dict[str, str]:
    import httpx

    held: dict[str, str] = httpx.get(f"{url}/v1/lock", trust_env=False).json()["lock"]
    return held


def _metrics(url: str) -> str:
    import httpx

    return httpx.get(f"{url}/metrics", trust_env=False).text
