"""Signing in with a token, in a real browser: who may only look sees why, and who signs out is out."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.console.browser import visit
from tests.console.scene import scene

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_token_opens_the_console_as_far_as_it_reaches(browser: Browser, tmp_path: Path) -> None:
    async with scene(tmp_path, ["CP-001"], token="the-servers-own-token") as depot:
        tokens = {}
        for name, access in (("vic", "viewer"), ("tess", "technician")):
            made = await depot.server.fwdctl(
                "token", "create", name, "--access", access, "--expires", "8h", "--json", environ=depot.environ
            )
            assert made.code == 0, made.err
            tokens[name] = made.json["token"]
        async with visit(browser, depot.server.url) as seen:
            page = seen.page
            await seen.open("/chargers/cp001")
            await expect(page).to_have_url(f"{depot.server.url}/login")
            await seen.shot("login")
            await page.fill("#token", tokens["vic"])
            await page.get_by_role("button", name="Sign in").click()
            await page.click("#c-cp001")
            taking = page.get_by_role("button", name="Take over")
            await expect(taking).to_be_disabled()
            await expect(page.locator(".why").first).to_contain_text("this needs technician access")
            await seen.shot("viewer")
            await page.get_by_role("button", name="Sign out").click()
            await seen.open("/")
            await expect(page).to_have_url(f"{depot.server.url}/login")
            await page.fill("#token", tokens["tess"])
            await page.get_by_role("button", name="Sign in").click()
            await seen.open("/chargers/cp001/toggle")
            assert await page.locator("#name").count() == 0  # the token says who it is
            await page.fill("#reason", "a visit")
            await page.click("text=Show what this does")
            await page.click("text=Take over now")
            await expect(page.locator(".banner")).to_contain_text("By tess: a visit")
