"""A plan that a pipeline made is read, applied, stopped and gone on with, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.console.browser import violations, visit
from tests.console.scene import scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

NIGHTS = """
---
apiVersion: fwdctl/v1
kind: ChangeWindow
metadata: {name: nights}
spec:
  action: deny
  chargers: {names: ["*"]}
  window: {cron: "* * * * *", duration: 2h, timeZone: UTC}
"""


async def test_a_plan_of_a_pipeline_is_applied_from_a_phone(browser: Browser, tmp_path: Path, axe: str) -> None:
    async with scene(tmp_path, ["CP-001", "CP-003"]) as depot, visit(browser, depot.server.url, "phone") as seen:
        site = tmp_path / "site.yaml"
        site.write_text(site.read_text().replace("grid-co, role: passive", "grid-co, role: energy"))
        planned = await depot.server.fwdctl("plan", "-f", site)
        assert planned.code == 0, planned.err
        page = seen.page
        await seen.open("/changes")
        await page.get_by_role("link", name="Plan: 0 to add, 1 to change, 0 to destroy.").click()
        await expect(page.locator(".plan")).to_contain_text("spec.backends[grid-co].role: passive -> energy")
        await expect(page.locator(".plan .l-change").first).to_be_visible()
        await seen.shot("plan")
        assert (await seen.overflow(), await violations(page, axe)) == (0, [])
        await page.fill("#reason", "reviewed in request 17")
        await page.fill("#name", "Olga")
        await page.click("#apply-now")
        await expect(page).to_have_url(re.compile(r"/applies/\w+$"))
        await expect(page.get_by_role("status")).to_contain_text("Applied as revision 2", timeout=20_000)  # as it comes
        await expect(page.get_by_text("4 of 4 chargers")).to_be_visible()
        await seen.shot("apply")
        assert await violations(page, axe) == []
        await page.get_by_role("link", name="revision 2").click()
        await expect(page.locator(".events").first).to_contain_text("reviewed in request 17")
        await seen.open("/chargers/cp001")
        await expect(page.get_by_text("grid-co smart charging")).to_be_visible()
        assert not depot.stations["CP-001"].unexpected_disconnects

        # Outside its change window it says when it may, and waits for that.
        site.write_text(site.read_text() + NIGHTS)
        assert (await depot.server.fwdctl("apply", "--auto-approve", "-f", site)).code == 0
        site.write_text(site.read_text().replace("grid-co, role: energy", "grid-co, role: passive"))
        assert (await depot.server.fwdctl("plan", "-f", site)).code == 0
        await seen.open("/changes")
        await page.locator("#plans + ol a").first.click()
        await expect(page.get_by_text("Now, outside the change window")).to_be_visible()
        await page.emulate_media(color_scheme="dark")
        await seen.shot("plan-window")
        assert await violations(page, axe) == []
