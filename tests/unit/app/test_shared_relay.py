"""The relay of several nodes as one: asked by the acting node, answered by what is reported, waited for by others."""

import asyncio

from msgspec.structs import replace

from reconciler.app.duty import LeasedDuty
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import ACTING, LOOK, Report
from reconciler.app.shared_relay import SharedRelay
from reconciler.model.live import Ack, Deferred, LiveCharger, Outcome, Refusal
from tests.support.clock import FakeClock
from tests.support.memory_rows import MemoryRows
from tests.support.memory_store import MemoryStore
from tests.support.specs import a_site, resolved

CHARGERS = resolved(a_site(30)).chargers
CP0 = CHARGERS["cp000"]


class Cluster:
    """One node's view: `acting` or standing by; a charger cp000 connected to some node b."""

    def __init__(self, rows: MemoryRows | None = None, *, acting: bool = True) -> None:
        self.rows = rows or MemoryRows()
        self.clock = FakeClock()
        self.mirror = RelayMirror(self.rows, self.clock)
        self.duty = LeasedDuty(MemoryStore(), self.clock, ACTING, "n1/1")
        self.acting = acting
        self.relay = SharedRelay(self.rows, self.mirror, self.duty, self.clock, self.rows)

    async def begin(self) -> None:
        """Connect cp000 to node b, and take up the duty."""
        if self.acting:
            await self.duty.keep()
        self.start = await self.rows.join("b", self.clock.now(), 1000)
        self.epoch = (await self.rows.take(self.start, ["cp000"], 1))["cp000"].epoch
        await self.report(LiveCharger("cp000", connected=True, since_s=0.0, generation=1), seq=2)

    async def report(self, live: LiveCharger, seq: int) -> None:
        """Let node b report, and read it."""
        await self.rows.report(self.start, [Report("cp000", self.start, self.epoch, live, seq)])
        await self.mirror.read()

    def question(self, generation: int = 2) -> "asyncio.Task[Outcome]":
        """Ask that cp000 run as declared."""
        return asyncio.ensure_future(self.relay.set_desired("cp000", generation, CP0))

    async def until_asked(self, count: int = 1) -> None:
        """Wait until so many asks are written, and read them."""
        await self.rows.bell.until(lambda: len(self.rows.asked) >= count, timeout_s=5)
        await self.mirror.read()


async def cluster(rows: MemoryRows | None = None, *, acting: bool = True) -> Cluster:
    made = Cluster(rows, acting=acting)
    await made.begin()
    return made


async def test_a_question_is_a_row_and_its_answer_is_seen_in_what_the_charger_runs() -> None:
    here = await cluster()
    question = here.question()
    await here.until_asked()
    assert (here.rows.asked[0].generation, here.rows.asked[0].desired) == (2, CP0)
    assert not question.done()
    await here.report(LiveCharger("cp000", connected=True, since_s=0.0, generation=2), seq=3)
    assert await question == Ack(2)
    assert here.rows.hints == ["asked"]
    assert here.relay.questions()["cp000"].generation == 2


async def test_a_refusal_is_seen_as_well() -> None:
    here = await cluster()
    question, refusal = here.question(), Refusal(2, "a transaction is open")
    await here.until_asked()
    await here.report(LiveCharger("cp000", connected=True, since_s=0.0, generation=1, refused=refusal), seq=3)
    assert await question == refusal


async def test_an_offline_charger_is_deferred_once_the_row_is_written() -> None:
    here = await cluster()
    assert await here.relay.set_desired("cp001", 1, CHARGERS["cp001"]) == Deferred(1)
    assert len(here.rows.asked) == 1


async def test_one_whose_node_goes_is_deferred_too() -> None:
    here = await cluster()
    question = here.question()
    await here.until_asked()
    here.clock.advance(1000)
    await here.mirror.read()
    assert await question == Deferred(2)


async def test_one_that_is_not_declared_any_more_is_let_go_wherever_it_is() -> None:
    here = await cluster()
    assert await here.relay.set_desired("cp000", 2, None) == Ack(2)
    assert here.rows.asked[0].desired is None


async def test_questions_that_come_together_are_one_write() -> None:
    here = await cluster()
    names = [name for name in CHARGERS if name != "cp000"]
    await asyncio.gather(*(here.relay.set_desired(name, 1, CHARGERS[name]) for name in names))
    assert len(here.rows.asked) == len(names)
    assert here.rows.ask_writes <= 2


async def test_who_lost_the_duty_writes_nothing_and_says_so() -> None:
    here = await cluster()
    here.rows.acting = ("n2/1", 2)
    outcome = await here.question()
    assert outcome == Refusal(2, "another node has begun to steer the chargers")
    assert here.rows.asked == []


async def test_a_store_that_fails_fails_everybody_who_asked_and_nobody_later() -> None:
    here = await cluster()
    here.rows.away = True
    failed = await asyncio.gather(here.question(), here.question(3), return_exceptions=True)
    assert [type(one) for one in failed] == [OSError, OSError]
    here.rows.away = False
    assert await here.relay.set_desired("cp001", 1, CHARGERS["cp001"]) == Deferred(1)


async def test_a_standby_waits_until_the_acting_node_has_asked_the_same() -> None:
    rows = MemoryRows()
    here, there = await cluster(rows), await cluster(rows, acting=False)
    waiting = there.question(7)
    await asyncio.sleep(0)
    assert rows.hints == [LOOK]
    asked = here.question(9)
    await there.until_asked()
    await there.report(LiveCharger("cp000", connected=True, since_s=0.0, generation=9), seq=4)
    await here.mirror.read()
    assert await waiting == await asked == Ack(9)
    assert len(rows.asked) == 1


async def test_a_standby_says_when_nobody_acts() -> None:
    there = await cluster(acting=False)
    there.clock.advance(0)
    waiting = there.question()
    await asyncio.sleep(0)
    there.clock.advance(21)
    await there.mirror.read()
    assert "no node steers the chargers" in str(await waiting)


async def test_a_question_that_is_overtaken_by_a_newer_one_ends() -> None:
    here = await cluster()
    old = here.question(2)
    await here.until_asked()
    newer = asyncio.ensure_future(here.relay.set_desired("cp000", 3, replace(CP0, labels={})))
    await here.until_asked(2)
    assert await old == Refusal(2, "something else was asked meanwhile")
    newer.cancel()
