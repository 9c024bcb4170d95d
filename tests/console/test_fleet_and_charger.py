"""The list of chargers and the page of one, in a real browser: found, live, taken over, handed back."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from reconciler.adapters.console import passed_messages
from tests.console.browser import visit
from tests.console.scene import Scene, scene

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_list_finds_a_charger_by_what_is_typed(browser: Browser, depot: Scene) -> None:
    async with visit(browser, depot.server.url) as seen:
        await seen.open("/")
        rows = seen.page.locator("table.fleet tbody tr")
        await expect(rows).to_have_count(6)
        await seen.page.fill("#q", "ice480")
        await expect(rows).to_have_count(2)
        await expect(seen.page).to_have_url(re.compile("q=ice480"))
        await seen.page.fill("#q", "nobody-has-this")
        await expect(seen.page.get_by_text("No charger matches.")).to_be_visible()


async def test_the_list_is_filtered_by_chips_and_choices(browser: Browser, depot: Scene) -> None:
    async with visit(browser, depot.server.url) as seen:
        await seen.open("/")
        await seen.page.click("#show-offline")
        await expect(seen.page.locator("table.fleet tbody tr")).to_have_count(1)
        await expect(seen.page.locator("#c-cp004")).to_be_visible()
        await seen.open("/")
        await seen.page.select_option("#owner", "grid-co")
        await expect(seen.page.locator("table.fleet tbody tr")).to_have_count(2)
        await expect(seen.page.locator("#c-ice480-01-d1")).to_be_visible()


async def test_the_list_changes_as_chargers_do(browser: Browser, depot: Scene) -> None:
    async with visit(browser, depot.server.url) as seen:
        await seen.open("/?q=cp003")
        row = seen.page.locator("table.fleet tbody tr")
        await expect(row).not_to_contain_text("open")
        station = depot.stations["CP-003"]
        transaction = await station.start_transaction(1, "TAG-7123")
        await expect(row).to_contain_text("1 open")
        await station.stop_transaction(transaction)
        await expect(row).not_to_contain_text("open")


async def test_messages_over_time_are_drawn_and_grow_while_somebody_looks(
    browser: Browser, depot: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passed_messages, "EVERY", timedelta(0))
    station = depot.stations["CP-003"]
    await station.heartbeat()
    async with visit(browser, depot.server.url, "phone") as seen:
        await seen.open("/chargers/cp003")
        chart = seen.page.locator(".counts")
        sent = chart.locator(".lane").filter(has_text="From the charger").locator("b")
        before = int(await sent.inner_text())
        await expect(chart.locator(".lane").filter(has_text="partner-pay")).to_be_visible()
        await expect(chart.locator("rect").first).to_be_attached()
        for _ in range(3):
            await station.heartbeat()
        await expect(sent).to_have_text(str(before + 3), timeout=15_000)
        await seen.page.get_by_text("As a table").click()
        await expect(seen.page.locator(".wide tbody tr").first.locator("td").first).to_have_text(str(before + 3))
        await seen.open("/")
        told = re.compile(r"Messages from chargers \d+, to chargers")
        await expect(seen.page.get_by_role("img", name=told)).to_be_visible()


async def test_a_charger_is_taken_over_and_handed_back(browser: Browser, depot: Scene) -> None:
    before = len(depot.partner.connections)
    async with visit(browser, depot.server.url) as seen:
        page = seen.page
        await seen.open("/chargers/cp001")
        await expect(page.get_by_role("heading", name="partner-pay is in charge")).to_be_visible()
        await page.click("#take-over")
        await page.fill("#name", "Alice")
        await page.click("text=Show what this does")  # the browser itself asks for a reason
        await expect(page).to_have_url(re.compile("/toggle$"))
        await page.fill("#reason", "site visit, ticket 4711")
        await page.click("text=Show what this does")
        await expect(page.get_by_text("the charger stays connected")).to_be_visible()
        await expect(page.locator("table.moves")).to_contain_text("Everything")
        await page.click("text=Take over now")
        await expect(page.get_by_role("heading", name="Toggled: local is in charge")).to_be_visible()
        await expect(page.locator(".count")).to_have_text(re.compile(r"^00:59:\d\d$"))
        await page.click("#extend-30")
        await expect(page.locator(".count")).to_have_text(re.compile(r"^01:2\d:\d\d$"))
        await expect(page.locator(".events")).to_contain_text("site visit, ticket 4711")
        await page.click("#hand-back")
        await expect(page.get_by_role("heading", name="partner-pay is in charge")).to_be_visible()
        await expect(page.locator(".events li").nth(1)).to_contain_text("Alice")
    assert len(depot.partner.connections) == before  # nobody noticed a thing


async def test_without_javascript_everything_essential_works(browser: Browser, depot: Scene) -> None:
    async with visit(browser, depot.server.url, "phone", java_script_enabled=False) as seen:
        page = seen.page
        await seen.open("/")
        await page.fill("#q", "cp002")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator("table.fleet tbody tr")).to_have_count(1)
        await page.click("#c-cp002")
        await page.click("#take-over")
        await page.fill("#name", "Bob")
        await page.fill("#reason", "no script at all")
        await page.click("text=Show what this does")
        await page.click("text=Take over now")
        await expect(page.get_by_role("heading", name="Toggled: local is in charge")).to_be_visible()
        await page.click("#hand-back")
        await expect(page.get_by_role("heading", name="partner-pay is in charge")).to_be_visible()


async def test_the_colours_can_be_chosen(browser: Browser, depot: Scene) -> None:
    async with visit(browser, depot.server.url, scheme="light") as seen:
        await seen.open("/?q=cp001")
        await seen.page.click("form.theme button")
        await expect(seen.page.locator("html")).to_have_attribute("data-theme", "dark")
        await expect(seen.page.locator("#q")).to_have_value("cp001")


async def test_live_pages_do_not_hold_the_server_up_when_it_stops(browser: Browser, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with visit(browser, "http://127.0.0.1") as seen:
        async with scene(tmp_path, ["CP-001"]) as depot:
            seen.url = depot.server.url
            await seen.open("/chargers/cp001")
            await depot.stations["CP-001"].heartbeat()
            stops_at = loop.time()
        assert loop.time() - stops_at < 8  # a stream that was waited for would take longer
        await seen.page.close()  # which else says so again and again
        seen.complaints.clear()  # the browser says that the server is gone, and it is
