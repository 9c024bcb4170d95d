"""CALLs as they are followed through a history: the station's, those under way on a leg, those that the relay keeps."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

RELAYS_OWN = b'"relay-'
"""How the ids begin that the relay chose."""


@dataclass(slots=True)
class StationCall:
    """One CALL of the station, however often it was sent."""

    trace: str
    token: bytes
    raw: bytes
    action: str
    at: float
    owner: str
    parts: frozenset[str]
    observers: frozenset[str]
    moved: bool = False
    """It changed owners before it was sent."""
    times: int = 1
    answered: int = 0
    registrar: str = ""
    """Who owned provisioning then."""
    copies: int = 1
    """How often it may go to each back-end: once for every time that it was a new call to the relay."""
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    """Who was registered then and owned a part of the answer."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Who owned which feature then."""
    based_at: float = 0.0
    """When its owner answered."""
    sent: Counter[tuple[str, int]] = field(default_factory=Counter)
    no_copy: set[str] = field(default_factory=set)
    """Observers for whom no copy waits any more: dropped at once, answered, or given up."""
    before: "StationCall | None" = None
    """As it was before the step that this instant brings."""

    @property
    def open(self) -> bool:
        """True while the station waits."""
        return self.answered < self.times


@dataclass(slots=True)
class UnderWay:
    """A CALL that its receiver has not answered; nobody waits for it longer than `until`."""

    token: bytes
    action: str
    trace: str
    until: float
    replay: bool = False
    owners: bool = False
    """Its receiver owns it, or a part of its answer; it is no copy."""
    base: bool = False
    """Its receiver owned it then, and not only a part of its answer."""
    kept: bool = False
    """It is sent from what was kept for this back-end."""


def keeps_id(token: bytes) -> bool:
    """Return True for a message id that every leg can carry."""
    return token[:1] == b'"' and b"\\" not in token and len(token.decode()) <= 38


@dataclass(frozen=True, slots=True)
class Kept:
    """A CALL of the station that the relay keeps; `seen_by` are observers that answered a copy."""

    seq: int
    trace: str
    action: str
    raw: bytes
    seen_by: set[str] = field(default_factory=set, compare=False)
