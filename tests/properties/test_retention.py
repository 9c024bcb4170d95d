"""Whatever was applied, toggled and left waiting, and whenever old revisions go: what is kept answers as before.

What is not kept is refused, and never answered wrongly.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import delete

from reconciler.adapters.store import SqlStore, open_store
from reconciler.adapters.store.tables import metadata
from reconciler.app.duty import SoleDuty
from reconciler.app.retention import Keep, Retention
from reconciler.app.toggling import ToggleRequest
from reconciler.errors import FwdctlError, NotKept, UnknownAddress
from reconciler.model.documents import Document
from reconciler.planning.guard import Limits
from reconciler.planning.scope import Scope
from tests.support.clock import FakeClock
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site, without

pytestmark = pytest.mark.slow

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}
SITES: Final[Sequence[Sequence[Document]]] = (
    a_site(1, LEADS),
    a_site(2, LEADS),
    a_site(2, FOLLOWS),
    a_site(3, FOLLOWS),
    without(a_site(3, LEADS), "cp001"),
)
ADDRESSES = ("charger.cp000", "charger.cp001", "backend-binding.depot")
EXAMPLES = 6
"""On each engine."""
DAY_S = timedelta(days=1).total_seconds()
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Step:
    """After some days something happens; then perhaps what is older than `keep` goes."""

    days: int
    what: str
    site: int
    keep: tuple[int, int] | None


STEPS = st.lists(
    st.builds(
        Step,
        days=st.integers(0, 9),
        what=st.sampled_from(["apply", "apply", "apply", "toggle", "pause", "resume"]),
        site=st.integers(0, len(SITES) - 1),
        keep=st.none() | st.none() | st.tuples(st.integers(0, 20), st.integers(2, 4)),
    ),
    min_size=3,
    max_size=8,
)


@dataclass
class History:
    """A store with what happens to it; `times` are worth asking about, `revised` says when each revision came."""

    store: SqlStore
    clock: FakeClock = field(default_factory=FakeClock)
    times: list[datetime] = field(default_factory=list)
    revised: list[datetime] = field(default_factory=list)
    oldest: int = 0

    def world(self) -> World:
        """Return a server that has just started: it has read nothing yet."""
        relay = FakeRelay()
        relay.connect("cp000", "cp001")
        return World(cast(MemoryStore, self.store), relay, self.clock)

    async def happens(self, step: Step) -> None:
        """Let time pass, and do it."""
        self.clock.advance(step.days * DAY_S + 60)
        world, now = self.world(), self.clock.now()
        await world.reconciler.start()
        if step.what == "apply" or not self.revised:
            done = await world.apply(SITES[step.site], prune=True)
            self.revised += [now] * (done.revision - len(self.revised))
        elif step.what == "toggle":
            await world.reconciler.toggle(ToggleRequest(["cp000"], "local", "visit", "bob", for_s=3600))
        elif step.what == "pause":
            await world.reconciler.pausing.pause(["cp000"], reason="visit", actor="bob")
        else:
            with suppress(FwdctlError):  # nobody paused it
                await world.reconciler.pausing.resume(["cp000"], actor="bob")
        self.times += [now - HOUR, now, now + HOUR / 2]
        await world.reconciler.controller.tick(now)

    async def answers(self) -> Mapping[tuple[str, object], Any]:
        """Ask everything there is to ask about the past, and return the answers; NotKept is one."""
        world = self.world()
        found: dict[tuple[str, object], Any] = {("dump", ""): await world.reconciler.dump()}
        for revision in range(len(self.revised) + 1):
            found["rollback", revision] = await _answer(
                lambda revision=revision: world.reconciler.plan_back_to(revision, Scope(prune=True), Limits())
            )
            found["resources", revision] = await _answer(lambda revision=revision: self.store.resources_at(revision))
        for at in self.times[-12:]:
            found["explain", at] = await _answer(lambda at=at: world.reconciler.explain("cp000", at))
            for address in ADDRESSES:
                found[address, at] = await _answer(lambda address=address, at=at: world.reconciler.show(address, at=at))
        found["plan", ""] = await _answer(lambda: world.plan(SITES[0], prune=True))
        return found

    async def prune(self, days: int, at_least: int) -> datetime:
        """Forget what is older, as the server does, and return since when things are to be kept."""
        span = self.clock.now() - timedelta(days=days)
        keep = Keep(history_s=1e9, revisions_s=days * DAY_S, revisions=at_least)
        await Retention(self.store, self.clock, keep, SoleDuty(), _failed).forget()
        followed = sum(at <= span for at in self.revised)
        self.oldest = max(self.oldest, min(followed, len(self.revised) - at_least + 1))
        return span

    def revision_at(self, at: datetime) -> int:
        """Return the revision that was the applied one then."""
        return sum(revised <= at for revised in self.revised)

    def is_kept(self, what: str, of: object, span: datetime) -> bool:
        """Return whether an answer must be given."""
        if isinstance(of, datetime):
            by_specs = what == "explain" or self.oldest <= 1 or self.revision_at(of) >= self.oldest
            return by_specs and (not what.startswith(("explain", "charger.")) or of >= span)
        return not isinstance(of, int) or of == 0 or of >= self.oldest


def _failed(what: str, error: BaseException) -> None:
    raise AssertionError(what) from error


async def _answer(ask: Any) -> Any:
    """Return an answer without what is new in each: ids, times of making; errors as their kind and text."""
    try:
        answer = await ask()
    except (NotKept, UnknownAddress) as error:
        return type(error)
    except FwdctlError as error:
        return type(error), error.summary
    if hasattr(answer, "plan_id"):
        return replace(answer, plan_id="")
    return answer


async def _scenario(store: SqlStore, steps: Sequence[Step]) -> None:
    history = History(store)
    for step in steps:
        await history.happens(step)
        if step.keep is None:
            continue
        before = await history.answers()
        span = await history.prune(*step.keep)
        after = await history.answers()
        for (what, of), answer in after.items():
            if answer is not NotKept:
                assert answer == before[what, of], (what, of)
            elif before[what, of] is not NotKept:
                assert not history.is_kept(what, of, span), (what, of)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Any:
    """A database for all examples."""
    if request.param == "sqlite":
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'fwdctl.db'}"
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_what_is_kept_answers_as_before_and_what_is_not_is_refused(url: str, steps: list[Step]) -> None:
    async def scenario() -> None:
        store = await open_store(url, Path())
        try:
            async with store._database.writing() as connection:
                for table in reversed(metadata.sorted_tables):
                    await connection.execute(delete(table))
            await _scenario(store, steps)
        finally:
            await store.close()

    asyncio.run(scenario())
