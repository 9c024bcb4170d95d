"""`ErrandRows` in memory, between nodes of one test; it keeps what the real ones keep: each errand is taken once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from reconciler.app.errand_rows import Errand


class MemoryErrands:
    """Implements `ErrandRows`."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.waiting: dict[str, Errand] = {}
        self.taken: list[str] = []
        self.answers: dict[str, bytes] = {}
        self.lent: set[tuple[str, str]] = set()

    async def put_node_key(self, start: str, key: bytes) -> None:
        """Keep a key."""
        self.keys[start] = key

    async def node_key(self, start: str) -> bytes | None:
        """Return a key."""
        return self.keys.get(start)

    async def put_errands(self, new: Sequence[Errand]) -> None:
        """Keep errands."""
        self.waiting |= {one.id: one for one in new}

    async def take_errands(self, start: str, at: datetime) -> tuple[Errand, ...]:
        """Return what is to be done by `start`, once."""
        found = tuple(one for one in self.waiting.values() if one.to_start == start and at < one.begin_before)
        for one in found:
            del self.waiting[one.id]
            self.taken.append(one.id)
        return found

    async def answer_errand(self, errand_id: str, answer: bytes) -> None:
        """Keep an answer."""
        self.answers[errand_id] = answer

    async def fetch_answers(self, errand_ids: Collection[str]) -> Mapping[str, bytes]:
        """Return answers, once."""
        return {one: self.answers.pop(one) for one in errand_ids if one in self.answers}

    async def withdraw_errand(self, errand_id: str) -> bool:
        """Forget what nobody has taken."""
        return self.waiting.pop(errand_id, None) is not None

    async def lend_ear(self, charger: str, start: str) -> None:
        """Keep an ear."""
        self.lent.add((charger, start))

    async def turn_away(self, charger: str, start: str) -> None:
        """Forget it."""
        self.lent.discard((charger, start))

    async def ears(self) -> tuple[tuple[str, str], ...]:
        """Return all."""
        return tuple(self.lent)

    async def forget_errands(self, at: datetime) -> None:
        """Forget nothing: no start here is ever gone."""
