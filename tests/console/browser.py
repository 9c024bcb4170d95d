"""A real browser: Debian's Chromium, driven by Playwright; where it is missing, browser tests skip, but fail in CI."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.async_api import Browser, Page, async_playwright

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""So that it starts as any user, and asks nobody on the network for anything."""
SHOTS: Final = Path(__file__).parent / "screenshots"
"""Where a run leaves what its pages looked like; ignored by git."""

SERIOUS: Final = ("serious", "critical")

Width = Literal["desk", "phone"]
Scheme = Literal["light", "dark"]
SIZES: Final[dict[str, tuple[int, int]]] = {"desk": (1280, 900), "phone": (390, 844)}


def chromium() -> str:
    """Return the browser's path; skips the test where there is none, but fails in CI, which must not do without."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path:
        return path
    why = "needs Chromium: apt-get install chromium"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """Run the browser for the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        await browser.close()


class Visit:
    """One person at one screen; `complaints` are what the browser said against the pages."""

    def __init__(self, page: Page, url: str, name: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self._name = name
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self._heard(said.type, said.text))
        page.on("request", lambda asked: self._asked(asked.url))

    async def open(self, path: str) -> None:
        """Open a page."""
        await self.page.goto(self.url + path)

    async def shot(self, what: str, *, whole: bool = True) -> None:
        """Keep what it looks like; `whole` with what one would have to scroll to."""
        SHOTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=SHOTS / f"{what}-{self._name}.png", full_page=whole)

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the screen."""
        wide: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wide

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and "404 (Not Found)" not in text:
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"asked a stranger: {url}")


@asynccontextmanager
async def visit(
    browser: Browser, url: str, width: Width = "desk", scheme: Scheme = "light", **options: Any
) -> AsyncIterator[Visit]:
    """Visit for the block, with no cookie yet; the browser must have had nothing to complain about."""
    across, down = SIZES[width]
    context = await browser.new_context(
        viewport={"width": across, "height": down},
        color_scheme=scheme,
        locale="en-GB",
        timezone_id="Europe/Rome",
        **options,
    )
    context.set_default_timeout(10_000)
    found = Visit(await context.new_page(), url, f"{width}-{scheme}")
    yield found
    await context.close()
    assert not found.complaints


async def violations(page: Page, axe: str) -> list[str]:
    """Return what axe finds serious on a page."""
    await page.evaluate(axe)  # as the tester's own script: the page's policy lets no other one in
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
