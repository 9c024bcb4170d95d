"""Every page, on a desk and on a phone, light and dark: nothing that axe finds serious, no sideways scrolling."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from reconciler.app import load_control
from tests.console.browser import Scheme, Visit, Width, violations, visit
from tests.console.scene import Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow, pytest.mark.timeout(300)]

PAGES = {
    "fleet": "/",
    "fleet-nothing": "/?q=nobody-has-this",
    "charger": "/chargers/cp001",
    "charger-offline": "/chargers/cp004",
    "charger-hybrid": "/chargers/ice480-01-d1",
    "toggle": "/chargers/cp001/toggle",
    "toggled": "/chargers/cp002",
    "work-proxy": "/chargers/cp001/operations",
    "work": "/chargers/cp002/operations",
    "work-form": "/chargers/cp002/operations/get-variables",
    "messages": "/chargers/cp001/messages",
    "outages": "/outages",
    "outage-begin": "/outages/begin",
    "load": "/load",
    "changes": "/changes",
    "revision": "/changes/1",
    "history": "/history",
    "login": "/login",
    "missing": "/no/such/page",
}
MAIN_PAGES = ("fleet", "charger", "toggled", "work-proxy", "outages", "load", "changes")


@pytest.fixture(scope="module", autouse=True)
def quickly_sampled() -> Iterator[None]:
    """A load policy has a chart at once, before the depot begins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_control, "SAMPLE_S", 0.5)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy(depot: Scene) -> AsyncIterator[Scene]:
    """A depot in which something is going on."""
    transaction = await depot.stations["CP-001"].start_transaction(1, "04A2B3C4D5E6F7")
    await depot.partner.wait_for("StartTransaction", identity="CP-001")
    toggled = await depot.server.fwdctl(
        "toggle", "cp002", "--primary", "local", "--for", "2h", "--reason", "site visit, ticket 4711"
    )
    assert toggled.code == 0, toggled.err
    yield depot
    await depot.stations["CP-001"].stop_transaction(transaction)


async def faults_of(seen: Visit, name: str, path: str, axe: str) -> list[str]:
    """Return what is wrong with one page."""
    await seen.open(path)
    await seen.page.wait_for_load_state("load")
    if name == "load":
        await expect(seen.page.locator("figure.chart")).to_be_visible()
    await seen.shot(name)
    found = [f"{name}: {violation}" for violation in await violations(seen.page, axe)]
    if wide := await seen.overflow():
        found.append(f"{name} is {wide} pixels wider than the screen")
    if await seen.page.locator("h1").count() != 1:
        found.append(f"{name} has not one main heading")
    return found


@pytest.mark.parametrize(
    ("width", "scheme", "names"),
    [
        ("desk", "light", tuple(PAGES)),
        ("phone", "dark", tuple(PAGES)),
        ("desk", "dark", MAIN_PAGES),
        ("phone", "light", MAIN_PAGES),
    ],
)
async def test_nothing_is_wrong_with_any_page(
    browser: Browser, busy: Scene, axe: str, width: Width, scheme: Scheme, names: tuple[str, ...]
) -> None:
    faults = []
    async with visit(browser, busy.server.url, width, scheme) as seen:
        for name in names:
            faults += await faults_of(seen, name, PAGES[name], axe)
    assert not faults, "\n".join(faults)


async def test_the_keyboard_reaches_everything_in_the_order_of_the_page(browser: Browser, busy: Scene) -> None:
    async with visit(browser, busy.server.url) as seen:
        await seen.open("/chargers/cp001")
        reached = []
        for _ in range(12):
            await seen.page.keyboard.press("Tab")
            reached.append(await seen.page.evaluate("document.activeElement.id || document.activeElement.innerText"))
        assert reached[0] == "Skip to the page"
        assert reached.index("work") < reached.index("take-over") < reached.index("watch-messages")
        shown = await seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert shown != "none"
