"""Errands between two nodes: each is done once, and who asked learns what came of it, or that nobody knows."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from reconciler.adapters.node_seal import NodeSeal
from reconciler.app.errands import BEGIN_WITHIN_S, Body, Errands, NobodyKnows, NotBegun
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError
from tests.support.clock import FakeClock
from tests.support.memory_errands import MemoryErrands

A, B = "a/1", "b/1"


class Pair:
    """Two nodes that hear each other's hints; `alive` are those that count as such."""

    def __init__(self) -> None:
        self.rows, self.clock = MemoryErrands(), FakeClock()
        self.alive = {A, B}
        self.failed: list[BaseException] = []
        self.background = Background(lambda what, error: self.failed.append(error))
        ids = map(str, itertools.count())
        self.nodes = {
            start: Errands(
                self.rows,
                start,
                NodeSeal(),
                self.clock,
                self,
                lambda: self.alive,
                lambda: next(ids),
                self.background,
                lambda what, error: self.failed.append(error),
            )
            for start in (A, B)
        }
        self.a, self.b = self.nodes[A], self.nodes[B]

    def tell(self, what: str) -> None:
        """Hint to both."""
        for node in self.nodes.values():
            node.told(what)

    async def wake(self) -> None:
        """Have both look, and let what they begin come to its next wait."""
        for _ in range(3):
            self.tell("errand")
            for _ in range(20):
                await asyncio.sleep(0)


@asynccontextmanager
async def pair(*, b_runs: bool = True) -> AsyncIterator[Pair]:
    """Run both nodes for the block."""
    two = Pair()
    for node in two.nodes.values():
        await node.join()
    for node in two.nodes.values() if b_runs else [two.a]:
        two.background.start(node.run(), name="errands")
    yield two
    await two.background.stop()
    assert two.failed == []


async def test_what_is_asked_is_done_once_and_answered_and_nobody_else_can_read_it() -> None:
    async with pair() as two:
        done: list[Body] = []

        async def double(body: Body) -> Body:
            done.append(body)
            return {"twice": body["number"] * 2}

        two.b.on("double", double)
        asking = asyncio.ensure_future(two.a.ask(B, "double", {"number": 21, "password": "hunter2"}))
        await asyncio.sleep(0)
        assert all(b"hunter2" not in errand.body for errand in two.rows.waiting.values())
        assert await asking == {"twice": 42}
        await two.wake()
        assert len(done) == 1
        assert two.rows.answers == {}


async def test_what_is_not_begun_in_time_is_withdrawn_and_never_done() -> None:
    async with pair(b_runs=False) as two:
        asking = asyncio.ensure_future(two.a.ask(B, "anything", {}))
        await two.wake()
        assert not asking.done()
        two.clock.advance(BEGIN_WITHIN_S)
        await two.wake()
        with pytest.raises(NotBegun, match="was not begun"):
            await asking
        assert two.rows.waiting == {}


@pytest.mark.parametrize("was_begun", [True, False])
async def test_of_a_node_that_dies_it_is_said_whether_it_had_begun(was_begun: bool) -> None:
    async with pair(b_runs=was_begun) as two:
        never = asyncio.Event()

        async def hang(body: Body) -> Body:
            await never.wait()
            return {}

        two.b.on("hang", hang)
        asking = asyncio.ensure_future(two.a.ask(B, "hang", {}))
        await two.wake()
        assert len(two.rows.taken) == was_begun
        two.alive = {A}
        await two.wake()
        with pytest.raises(NobodyKnows if was_begun else NotBegun, match="node b"):
            await asking
        assert len(two.rows.taken) == was_begun  # and it is not asked again


async def test_who_asked_is_told_at_once_where_the_other_node_fails_at_it() -> None:
    async with pair() as two:

        async def refuse(body: Body) -> Body:
            raise FwdctlError("the transaction is over")

        async def stumble(body: Body) -> Body:
            return {"sum": body["there is no such thing"]}

        two.b.on("refuse", refuse)
        two.b.on("stumble", stumble)
        for kind, why in (
            ("refuse", "node b failed at it: the transaction is over"),
            ("stumble", "node b failed at it: unexpectedly; its log says why"),
            ("of a newer version", "this version knows no errand of a newer version"),
        ):
            with pytest.raises(NobodyKnows, match=why):
                await two.a.ask(B, kind, {})
        assert [type(error) for error in two.failed] == [KeyError]
        two.failed.clear()


async def test_a_start_that_never_was_is_not_asked() -> None:
    async with pair() as two:
        with pytest.raises(NotBegun):
            await two.a.ask("c/1", "anything", {})


async def test_ears_are_kept_as_long_as_anybody_here_listens() -> None:
    async with pair() as two:
        await two.a.listen("cp001")
        await two.a.listen("cp001")
        await two.wake()
        assert two.b.listeners == {"cp001": {A}}
        assert two.a.listeners == {}
        await two.a.turn_away("cp001")
        assert two.rows.lent == {("cp001", A)}
        await two.a.turn_away("cp001")
        assert two.rows.lent == set()
