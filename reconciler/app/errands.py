"""Errands: what this node has others do, and does for them, each once.

    ask ──> a row, sealed for one start of a node ──> taken once ──> done ──> answer in the row ──> ask returns
                 └── not taken in time: withdrawn, so never begun     └── its node died: nobody knows what came of it

A NOTIFY makes it quick, polling makes it certain, and a node that dies between taking and answering leaves a question:
that is said, and nothing is done again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from reconciler.app.errand_rows import ERRAND, KEPT_FOR, Errand, ErrandRows, NodeSealer
from reconciler.app.ports import Clock
from reconciler.app.relay_rows import Hints
from reconciler.app.tasks import Background, Report
from reconciler.errors import FwdctlError

Body = Mapping[str, Any]
Doing = Callable[[Body], Awaitable[Body | None]]
"""Does an errand and returns the answer, None for none."""

POLL_S: Final = 1.0
BEGIN_WITHIN_S: Final = 10.0
"""What its node has not taken by then is withdrawn."""
ANSWER_WITHIN: Final = KEPT_FOR - timedelta(minutes=1)
FORGET_EVERY_S: Final = 60.0
_FAILED: Final = "errand failed"
"""The key of an answer that says why there is none."""


class NotBegun(Exception):
    """Nobody has taken it, and nobody will."""


class NobodyKnows(Exception):
    """Its node died before it answered, or failed at it."""


@dataclass(slots=True)
class _Asked:
    errand: Errand
    answered: "asyncio.Future[Body]"

    @property
    def node(self) -> str:
        """The node that was asked."""
        return self.errand.to_start.rpartition("/")[0]

    def takes(self, answer: Body) -> None:
        """Take what came of it."""
        if _FAILED in answer:
            self.fails(NobodyKnows(f"unknown: node {self.node} failed at it: {answer[_FAILED]}"))
        else:
            self.answered.set_result(answer)

    def fails(self, outcome: Exception) -> None:
        """Let whoever waits know, where they still do."""
        if not self.answered.done():
            self.answered.set_exception(outcome)


class Errands:
    """This start's errands. `starts` are those that are alive."""

    def __init__(
        self,
        rows: ErrandRows,
        start: str,
        seal: NodeSealer,
        clock: Clock,
        hints: Hints,
        starts: Callable[[], Collection[str]],
        new_id: Callable[[], str],
        background: Background,
        complain: Report,
    ) -> None:
        self.start: Final = start
        self.listeners: Mapping[str, Collection[str]] = {}
        """Charger -> the other starts that want to hear what it says to `local`."""
        self._rows = rows
        self._seal = seal
        self._clock = clock
        self._hints = hints
        self._starts = starts
        self._new_id = new_id
        self._background = background
        self._complain = complain
        self._doing: dict[str, Doing] = {}
        self._asked: dict[str, _Asked] = {}
        self._keys: dict[str, bytes] = {}
        self._ears = Counter[str]()
        self._ears_lock = asyncio.Lock()
        self._hinted = asyncio.Event()
        self._forgot_s = 0.0

    def on(self, kind: str, doing: Doing) -> None:
        """Have `doing` do errands of this kind."""
        self._doing[kind] = doing

    def told(self, hint: str) -> None:
        """Take a hint."""
        if hint == ERRAND:
            self._hinted.set()

    # -- what this node wants ------------------------------------------------------------------------------------

    async def ask(self, start: str, kind: str, body: Body) -> Body:
        """Have `start` do something, and return its answer; raises NotBegun or NobodyKnows."""
        errand = await self._send(start, kind, body)
        waiting = _Asked(errand, asyncio.get_running_loop().create_future())
        self._asked[errand.id] = waiting
        try:
            return await waiting.answered
        finally:
            self._asked.pop(errand.id, None)

    async def tell(self, start: str, kind: str, body: Body) -> None:
        """Let `start` know something that it need not answer; one that is gone does not learn it."""
        await self._send(start, kind, body)

    def tell_soon(self, start: str, kind: str, body: Body) -> None:
        """Tell, without waiting for the store."""
        self._background.start(self.tell(start, kind, body), name=f"errand {kind}")

    async def listen(self, charger: str) -> None:
        """Hear from now on what the charger says to `local`, wherever it is connected, until as many `turn_away`."""
        async with self._ears_lock:
            self._ears[charger] += 1
            await self._rows.lend_ear(charger, self.start)
        self._hints.tell(ERRAND)

    async def turn_away(self, charger: str) -> None:
        """Hear it no more, where nobody else here listens to it."""
        async with self._ears_lock:
            self._ears[charger] -= 1
            if self._ears[charger] <= 0:
                del self._ears[charger]
                await self._rows.turn_away(charger, self.start)

    async def _send(self, start: str, kind: str, body: Body) -> Errand:
        key = await self._key_of(start)
        errand_id = self._new_id()
        sealed = self._seal.seal(key, msgspec.json.encode(body), _about(errand_id))
        before = self._clock.now() + timedelta(seconds=BEGIN_WITHIN_S)
        errand = Errand(errand_id, start, self.start, kind, sealed, before)
        await self._rows.put_errands([errand])
        self._hints.tell(ERRAND)
        return errand

    async def _key_of(self, start: str) -> bytes:
        key = self._keys.get(start) or await self._rows.node_key(start)
        if key is None:
            raise NotBegun(f"node {start} is not there")
        self._keys[start] = key
        return key

    # -- the loop ------------------------------------------------------------------------------------------------

    async def join(self) -> None:
        """Publish the key; to be awaited before anybody can know of this start."""
        await self._rows.put_node_key(self.start, self._seal.public_key)

    async def run(self) -> None:
        """Take, do, answer and fetch for ever: when hinted, and every `POLL_S`."""
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._hinted.wait()
            except TimeoutError:
                pass
            self._hinted.clear()
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the store may be away for a while; rows wait
                self._complain("errands", error)

    async def _look(self) -> None:
        listeners: dict[str, set[str]] = {}
        for charger, start in await self._rows.ears():  # before errands are taken: an answer may be followed by words
            if start != self.start:
                listeners.setdefault(charger, set()).add(start)
        self.listeners = listeners
        for errand in await self._rows.take_errands(self.start, self._clock.now()):
            self._background.start(self._do(errand), name=f"errand {errand.kind}")
            await asyncio.sleep(0)  # they begin in their order
        await self._fetch()
        now_s = self._clock.monotonic_s()
        if now_s >= self._forgot_s + FORGET_EVERY_S:
            self._forgot_s = now_s
            await self._rows.forget_errands(self._clock.now())

    async def _do(self, errand: Errand) -> None:
        """Do an errand and answer it; whoever asked is told where it failed here, and need not wait until we die."""
        answer: Body | None
        try:
            if errand.kind not in self._doing:
                raise FwdctlError(f"this version knows no errand {errand.kind}")
            answer = await self._doing[errand.kind](
                msgspec.json.decode(self._seal.unseal(errand.body, _about(errand.id)))
            )
        except FwdctlError as error:
            answer = {_FAILED: error.summary}
        except Exception as error:  # noqa: BLE001 - whoever asked must learn that it ended
            self._complain(f"errand {errand.kind}", error)
            answer = {_FAILED: "unexpectedly; its log says why"}
        if answer is not None:
            key = await self._key_of(errand.from_start)
            sealed = self._seal.seal(key, msgspec.json.encode(answer), _about(errand.id))
            await self._rows.answer_errand(errand.id, sealed)
            self._hints.tell(ERRAND)

    async def _fetch(self) -> None:
        if not self._asked:
            return
        for errand_id, sealed in (await self._rows.fetch_answers(list(self._asked))).items():
            waiting = self._asked.get(errand_id)
            if waiting is not None and not waiting.answered.done():
                waiting.takes(msgspec.json.decode(self._seal.unseal(sealed, _about(errand_id))))
        for waiting in list(self._asked.values()):
            if not waiting.answered.done():
                await self._give_up(waiting)

    async def _give_up(self, waiting: _Asked) -> None:
        """Withdraw what was not begun in time; wait for what was begun as long as its node lives, and not for ever."""
        errand, now = waiting.errand, self._clock.now()
        is_dead, is_late = errand.to_start not in self._starts(), now >= errand.begin_before
        if not (is_dead or is_late):
            return
        if await self._rows.withdraw_errand(errand.id):
            waiting.fails(NotBegun(f"node {waiting.node} has not taken it in time; it was not begun"))
        elif is_dead:
            waiting.fails(NobodyKnows(f"unknown: node {waiting.node} died before it answered"))
        elif now >= errand.begin_before + ANSWER_WITHIN:
            waiting.fails(NobodyKnows(f"unknown: node {waiting.node} has not answered"))


def _about(errand_id: str) -> str:
    return f"errand {errand_id}"
