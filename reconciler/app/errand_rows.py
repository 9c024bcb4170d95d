"""The rows through which one node has another do something with a charger that is connected to that one.

| row | written by | read by |
|---|---|---|
| `Errand`: what is to be done, once | the node that wants it | the start that it names: takes it, does it, answers |
| a start's key | that start | whoever seals an errand or an answer for it |
| an ear: who listens to a charger | the node that listens | all: its node sends on what the station says to `local` |
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

ERRAND: Final = "errand"
"""The hint that there are errands, answers or ears."""
KEPT_FOR: Final = timedelta(minutes=10)
"""An errand is forgotten so long after it had to be begun, whether it was answered or not."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that one start of a node is to do for another, unless it has not begun before `begin_before`."""

    id: str
    to_start: str
    from_start: str
    kind: str
    body: bytes = field(repr=False)
    begin_before: datetime


class ErrandRows(Protocol):
    """The rows, in the store."""

    async def put_node_key(self, start: str, key: bytes) -> None:
        """Publish the key for which whatever `start` is to read is sealed."""

    async def node_key(self, start: str) -> bytes | None:
        """Return the key of a start, None where it published none."""

    async def put_errands(self, new: Sequence[Errand]) -> None:
        """Store errands, in this order."""

    async def take_errands(self, start: str, at: datetime) -> tuple[Errand, ...]:
        """Return what `start` is to do and nobody has taken, in order; each is returned once."""

    async def answer_errand(self, errand_id: str, answer: bytes) -> None:
        """Store what came of an errand; where nobody waits for it any more nothing is stored."""

    async def fetch_answers(self, errand_ids: Collection[str]) -> Mapping[str, bytes]:
        """Return the answers that are there, each once: its errand is then forgotten."""

    async def withdraw_errand(self, errand_id: str) -> bool:
        """Forget an errand that nobody has taken, which is then certain never to be begun; False where somebody has."""

    async def lend_ear(self, charger: str, start: str) -> None:
        """Note that `start` wants to hear what the charger's station says to `local`."""

    async def turn_away(self, charger: str, start: str) -> None:
        """Note that it does not any more."""

    async def ears(self) -> tuple[tuple[str, str], ...]:
        """Return charger and start, for each charger that somebody listens to."""

    async def forget_errands(self, at: datetime) -> None:
        """Forget what starts that are gone have left, and what nobody will ever take or fetch.

        Gone is whoever began anew since; whose lease has run out may be back, and listens for `KEPT_FOR` more.
        """


class NodeSealer(Protocol):
    """Seals what only one node may read."""

    @property
    def public_key(self) -> bytes:
        """Return the key for which others seal what this node is to read."""

    def seal(self, public_key: bytes, plain: bytes, about: str) -> bytes:
        """Return `plain` so that only the node of `public_key` can read it, for the same `about`."""

    def unseal(self, sealed: bytes, about: str) -> bytes:
        """Return what was sealed for this node; raises Unsealable."""
