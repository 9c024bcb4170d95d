"""A year of a site in virtual time: weekly outages over both clock changes, technicians, failures, killed nodes."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from reconciler.app.delivering import Message
from reconciler.app.notifying import Notifier
from reconciler.app.toggling import ToggleRequest
from reconciler.planning.effective import effective, next_boundary
from reconciler.planning.occurrences import between
from tests.support.clock import FakeClock
from tests.support.outages import outage_document
from tests.support.specs import World, a_site, backend, without

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
CHARGERS = ("cp000", "cp001")
WEEKLY = outage_document(
    "weekly",
    window={"cron": "30 2 * * sun", "duration": "90m", "timeZone": "Europe/Rome"},
    notice={"before": ["24h", "1h"], "to": ["partner"]},
)
RULE = {"whenOwnerIsDown": "failover", "failover": {"to": "local", "after": "60s"}}


class Letterbox:
    """What partner was told: (opening, edge) of each message."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def deliver(self, message: Message) -> None:
        self.told.append((message.notice.occurrence, message.notice.edge))


class Year:
    """The site and whatever happens to it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.box = Letterbox()
        self.clock = FakeClock(BEGIN)
        self.world = World()
        self.start_node()

    def start_node(self) -> None:
        """Start a node over what the one before left in the store and at the relay."""
        self.world = World(self.world.store, self.world.relay, self.clock)
        self.notifier: Notifier = self.world.reconciler.notifier({"email": self.box}, contact="")

    async def tick(self) -> None:
        """Let the node act."""
        now = self.clock.now()
        await self.world.reconciler.controller.tick(now)
        await self.notifier.tick(now)

    async def something(self) -> None:
        """Let something happen, mostly nothing."""
        match self.random.randrange(60):
            case 0:
                self.start_node()
            case 1:
                primary = self.random.choice(("partner", "grid", "local"))
                for_s = self.random.choice((900, 7200, 2 * 86400))
                name = self.random.choice(CHARGERS)
                await self.world.reconciler.toggle(ToggleRequest([name], primary, "visit", "bob", for_s))
            case 2:
                await self.world.reconciler.end_toggle([self.random.choice(CHARGERS)], actor="bob")
            case 3:
                self.world.relay.lose("partner")
            case 4:
                self.world.relay.regain("partner")

    async def pass_time(self) -> None:
        """Let minutes pass near anything that happens, and hours elsewhere; never over an edge of an outage."""
        now, store = self.clock.now(), self.world.store
        site = (await self.world.reconciler._specs.current()).site
        edge = next_boundary(site.outages, await store.interventions(now), now)
        ahead_s = (edge - now).total_seconds() if edge is not None else 86400.0
        longest_s = 2400.0 if ahead_s < 9000 else min(6 * 3600.0, ahead_s - 5400)
        self.clock.advance(min(ahead_s, self.random.uniform(60, longest_s)))

    async def owners_must_be_right(self) -> None:
        """Compare what runs with what the pure function says."""
        now = self.clock.now()
        site = (await self.world.reconciler._specs.current()).site
        wanted = effective(site, await self.world.store.interventions(now), now)
        for name in CHARGERS:
            assert self.world.relay.owners(name) == set(wanted[name].owners.values()), (name, now)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_all_year_owners_are_what_the_pure_function_says_and_each_notice_is_sent_once(seed: int) -> None:
    year = Year(seed)
    contacts = [{"email": "noc@partner.example"}]
    roles = {"partner": "primary", "grid": "passive"}
    spec = [*without(a_site(2, roles, **RULE), "partner"), backend("partner", contacts=contacts), WEEKLY]
    await year.world.apply(spec)
    year.world.relay.connect(*CHARGERS)
    while year.clock.now() < END:
        await year.tick()
        await year.owners_must_be_right()
        await year.something()
        await year.pass_time()
    assert year.world.trouble == []
    site = (await year.world.reconciler._specs.current()).site
    openings = [one.opening for one in between(site.outages[0], [], BEGIN, END - timedelta(days=2))]
    assert {f"{opening:%H:%M}" for opening in openings} == {
        "00:30",
        "01:00",
        "01:30",
    }  # summer, the skipped hour, winter
    expected = {
        (f"weekly/{opening:%Y%m%dT%H%M%SZ}", edge)
        for opening in openings
        for edge in ("before-24h", "before-1h", "start", "end")
    }
    assert len(year.box.told) == len(set(year.box.told))
    assert expected <= set(year.box.told)
