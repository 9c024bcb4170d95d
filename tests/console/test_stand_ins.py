"""Somebody stands in for a partner that is away: seen live, and given back by hand, in a real browser."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.console.browser import visit
from tests.console.scene import scene

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_stand_in_is_seen_as_it_comes_and_ended_by_who_is_on_call(browser: Browser, tmp_path: Path) -> None:
    async with scene(tmp_path, ["ICE480-01-1", "ICE480-01-2"]) as depot, visit(browser, depot.server.url) as seen:
        page = seen.page
        await seen.open("/outages")
        await expect(page.get_by_text("Nobody stands in for an owner that is away.")).to_be_visible()
        await depot.partner.stop()
        card = page.locator(".stand-in")
        await expect(card).to_contain_text(
            "local stands in for partner-pay", timeout=20_000
        )  # without loading it again
        await expect(card).to_contain_text("On 2 chargers", timeout=20_000)
        await expect(card).to_contain_text("partner-pay is away")
        await expect(card).to_contain_text("back: manual")
        await seen.shot("stand-ins")
        await card.get_by_role("link", name="ice480-01-d1").click()
        await expect(page.locator(".banner")).to_contain_text("partner-pay is away: local stands in since")
        await seen.shot("stand-in")

        await depot.partner.start()
        await seen.open("/outages")
        await expect(card).to_contain_text("partner-pay is back.", timeout=20_000)
        await seen.open("/chargers/ice480-01-d1")
        await page.click("#give-back")
        await expect(page.get_by_role("status")).to_contain_text("Given back to its owner")
        await expect(page.get_by_role("heading", name="partner-pay is in charge")).to_be_visible()
        await seen.open("/outages")
        await expect(card).to_contain_text("On 1 charger")
        await card.get_by_text("Give back", exact=True).click()
        await card.locator("input[name=name]").fill("Olga")
        await card.get_by_role("button", name="Give 1 back to partner-pay").click()
        await expect(page.get_by_text("Nobody stands in for an owner that is away.")).to_be_visible()
        await seen.open("/history?kind=failover-ended")
        await expect(page.locator(".events li").first).to_contain_text("Olga")
        assert not depot.stations["ICE480-01-1"].unexpected_disconnects
