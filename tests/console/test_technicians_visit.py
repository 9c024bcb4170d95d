"""A technician's visit from start to end, in a real browser, with a real station and a real partner.

Find the charger, see that a partner is in charge, take it over, reset it, update its firmware, fetch its log, hand it
back. The charger is never disconnected but for the reset it was told to do.
"""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from reconciler.testing import SimulatedCsms
from reconciler.testing.manners import CallFailed
from tests.console.browser import Visit, visit
from tests.console.scene import Scene, scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow, pytest.mark.timeout(240)]

FIRMWARE = b"firmware-version: 2.0.0\n" + bytes(range(256)) * 40


async def finds_it_in_proxy_mode(seen: Visit) -> None:
    """Search, open it, and see that nothing can be done, and why."""
    page = seen.page
    await seen.open("/")
    await page.fill("#q", "cp-001")
    await expect(page.locator("table.fleet tbody tr")).to_have_count(1)
    await seen.shot("visit-0-found", whole=False)
    await page.click("#c-cp001")
    await expect(page.get_by_role("heading", name="partner-pay is in charge")).to_be_visible()
    await seen.shot("visit-1-proxy-mode", whole=False)
    await page.click("#work")
    for operation in ("reset", "firmware", "diagnostics"):
        await expect(page.locator(f"#op-{operation}")).to_be_disabled()
        await expect(page.locator(f"#why-{operation}")).to_contain_text("partner-pay owns")
    await seen.shot("visit-2-greyed-out", whole=False)


async def takes_it_over(seen: Visit) -> None:
    """Toggle for an hour, with a reason."""
    page = seen.page
    await page.get_by_role("link", name="Take the charger over").click()
    await page.fill("#reason", "site visit, ticket 4711")
    await page.fill("#name", "Alice")
    await seen.shot("visit-3-take-over", whole=False)
    await page.click("text=Show what this does")
    await expect(page.get_by_text("the charger stays connected")).to_be_visible()
    await seen.shot("visit-4-what-it-does", whole=False)
    await page.click("text=Take over now")
    await expect(page.get_by_role("heading", name="Toggled: local is in charge")).to_be_visible()
    await expect(page.locator(".count")).to_have_text(re.compile(r"^00:59:\d\d$"))
    await seen.shot("visit-5-taken-over", whole=False)


async def does(seen: Visit, operation: str, **fields: str) -> Page:
    """Carry an operation out to its end, and look at what it says."""
    page = seen.page
    await seen.open("/chargers/cp001/operations")
    await page.click(f"#op-{operation}")
    for name, value in fields.items():
        await page.select_option(f'[name="p.{name}"]', value)
    await page.click("#start")
    await expect(page.locator(".run-state")).to_have_text("Succeeded", timeout=30_000)
    return page


async def refused(partner: SimulatedCsms) -> str:
    """Return with which code the partner's command is refused."""
    try:
        answer = await partner.call("CP-001", "Reset", {"type": "Soft"})
    except CallFailed as failed:
        return failed.code
    return str(answer["status"])


def partner_boots(depot: Scene) -> int:
    """Return how often the partner saw the charger boot."""
    return sum(call.action == "BootNotification" and call.identity == "CP-001" for call in depot.partner.calls)


async def connections(depot: Scene) -> int:
    """Return how often the charger has connected."""
    status = (await depot.server.fwdctl("status", "charger.cp001", "--json")).json
    found: int = status["chargers"][0]["live"]["connections"]
    return found


async def works(seen: Visit, depot: Scene) -> None:
    """Reset, update, fetch the log."""
    station = depot.stations["CP-001"]
    boots = partner_boots(depot)
    assert await refused(depot.partner) == "Rejected"
    assert not [call for call in station.commands if call.action == "Reset"]
    await does(seen, "reset", type="soft")
    page = await does(seen, "firmware", file="cp-2.0.0.bin")
    for told in ("Downloading", "Installed"):
        await expect(page.locator(".progress")).to_contain_text(told)
    await seen.shot("visit-6-firmware", whole=False)
    assert station.memory.firmware == "2.0.0"
    page = await does(seen, "diagnostics")
    async with page.expect_download() as downloading:
        await page.click("#download")
    log = await (await downloading.value).path()
    assert log.read_text().startswith("CP-001\n")
    await seen.shot("visit-7-log", whole=False)
    assert partner_boots(depot) == boots + 1  # after the reset


async def hands_it_back(seen: Visit) -> None:
    """End the toggle, and see it in what happened."""
    page = seen.page
    await seen.open("/chargers/cp001")
    await page.click("#hand-back")
    await expect(page.get_by_role("heading", name="partner-pay is in charge")).to_be_visible()
    await expect(page.locator(".timeline")).to_have_attribute(
        "aria-label", re.compile("partner-pay.*local.*partner-pay")
    )
    await seen.shot("visit-8-handed-back", whole=False)


async def test_a_technicians_visit(browser: Browser, tmp_path: Path) -> None:
    firmware = tmp_path / "cp-2.0.0.bin"
    firmware.write_bytes(FIRMWARE)
    async with scene(tmp_path, files="127.0.0.1:0") as depot:
        added = await depot.server.fwdctl("firmware", "add", firmware)
        assert added.code == 0, added.err
        before = await connections(depot)
        async with visit(browser, depot.server.url, "phone", accept_downloads=True) as seen:
            await finds_it_in_proxy_mode(seen)
            await takes_it_over(seen)
            await works(seen, depot)
            await hands_it_back(seen)
        assert await connections(depot) == before + 1  # the reset that it was told to do, and nothing else
        assert await depot.partner.call("CP-001", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
