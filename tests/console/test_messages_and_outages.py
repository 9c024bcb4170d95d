"""The live message log of a charger, and an outage that is begun, extended and ended, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Browser, expect

from tests.console.browser import violations, visit
from tests.console.scene import Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def test_messages_are_seen_as_they_pass_without_their_secrets_and_as_far_as_asked_for(
    browser: Browser, depot: Scene, axe: str
) -> None:
    station = depot.stations["CP-003"]
    async with visit(browser, depot.server.url, "phone", "dark") as seen:
        page = seen.page
        await seen.open("/chargers/cp003")
        await page.click("#watch-messages")
        lines = page.locator("#log li")
        await expect(lines).to_have_text("Waiting for the next message…")
        await station.call("Authorize", {"idTag": "04A2B3C4D5E6F7"})
        await expect(lines).to_have_count(6)  # the call and its answer, of the charger and of two back-ends
        await expect(lines.filter(has_text="partner-pay → relay").filter(has_text="answer")).to_be_visible()
        assert "04A2B3C4D5E6F7" not in await page.content()
        await seen.shot("messages-passing")
        assert (await seen.overflow(), await violations(page, axe)) == (0, [])

        await page.check("#pause")
        await page.evaluate("document.addEventListener('htmx:sseBeforeMessage', () => (window.held = true))")
        await station.heartbeat()
        async with asyncio.timeout(10):
            while not await page.evaluate("window.held"):
                pass
        await expect(lines).to_have_count(6)  # it stands still while somebody reads
        await page.uncheck("#pause")
        await station.call("Authorize", {"idTag": "ANOTHER-1"})
        await expect(lines).not_to_have_count(6)

        await page.fill("#action", "heart")
        await page.select_option("#direction", "up")
        await page.get_by_role("button", name="Filter").click()
        await expect(lines).to_have_text("Waiting for the next message…")
        await station.call("Authorize", {"idTag": "ANOTHER-2"})
        await station.heartbeat()
        await expect(lines.filter(has_text="Heartbeat").first).to_be_visible()
        await expect(lines.filter(has_text="Authorize")).to_have_count(0)


async def test_an_outage_is_begun_extended_and_ended(browser: Browser, depot: Scene, axe: str) -> None:
    async with visit(browser, depot.server.url) as seen:
        page = seen.page
        await seen.open("/outages")
        await page.get_by_role("link", name="Begin one now").click()
        await page.fill("[name=chargers]", "cp003")
        await page.fill("[name=reason]", "the partner answers nothing")
        await page.fill("[name=name]", "Olga")
        await page.locator("main form button").last.click()
        card = page.locator(".outage.is-open")
        await expect(card).to_contain_text("the partner answers nothing, by Olga")
        await seen.shot("outage-open")
        assert await violations(page, axe) == []
        await card.get_by_text("Extend", exact=True).first.click()
        await card.locator("form[action$=extend] [name=reason]").fill("not yet")
        await card.locator("form[action$=extend] button").click()
        await expect(card).to_contain_text("Changed by Olga: not yet")
        await seen.open("/chargers/cp003")
        await expect(page.get_by_role("heading", name="The local back-end is in charge")).to_be_visible()
        await seen.open("/outages")
        await card.get_by_text("End now", exact=True).first.click()
        await card.locator("form[action$=cancel] [name=reason]").fill("it is back")
        await card.locator("form[action$=cancel] button").click()
        await expect(card).to_have_count(0)
        await seen.open("/chargers/cp003")
        await expect(page.get_by_role("heading", name="partner-pay is in charge")).to_be_visible()
    assert not depot.stations["CP-003"].unexpected_disconnects
