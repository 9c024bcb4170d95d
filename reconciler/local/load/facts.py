"""What load management goes by and what it says: terms of a policy, facts of its chargers, and the picture of both."""

from collections.abc import Collection
from typing import Literal

import msgspec
from msgspec.structs import replace

from reconciler.local.load.metering import Reading

Counting = Literal["measured", "rated"]


class Terms(msgspec.Struct, frozen=True):
    """A LoadPolicy in W and seconds."""

    name: str
    limit_w: float
    min_w: float = 0.0
    by_priority: bool = False
    reserve_w: float = 0.0
    """Kept free for what chargers that are not governed may add before the others are lowered."""
    others: Counting = "measured"
    """What a charger that is not governed counts with."""
    stale_s: float = 180.0
    """A meter value that is older says nothing any more."""
    amperes_at_v: float | None = None
    """Write limits in amperes a phase, at this voltage; None: in watts."""


class Facts(msgspec.Struct, frozen=True):
    """What is known of one charger of a policy now; times in monotonic seconds."""

    charger: str
    rated_w: float
    """What it can draw at most."""
    why_not: str = ""
    """Why it is not governed, "" where it is."""
    connected: bool = True
    seen: bool = True
    """It was connected once; what never was draws nothing that this relay could know of."""
    session: int = 0
    """Counts its connections."""
    active_since_s: float | None = None
    """Since when a transaction is open; None: idle."""
    reading: Reading | None = None
    standing: bool = False
    """A profile of ours stands in the station, as far as the relay knows."""
    priority: int = 0

    @property
    def governed(self) -> bool:
        """Return True where `local` owns smart-charging."""
        return not self.why_not


class SetLimit(msgspec.Struct, frozen=True):
    """Have the charger keep to `watts`; `first`: nothing of ours stands there, what others left has to go first."""

    charger: str
    watts: float
    first: bool = False


class Withdraw(msgspec.Struct, frozen=True):
    """Take our limit away; `local` does not own smart-charging there any more, so the relay has to (R14)."""

    charger: str


Step = SetLimit | Withdraw


class ChargerLoad(msgspec.Struct, frozen=True):
    """One charger in the picture of its policy; power in W."""

    charger: str
    why_not: str
    """Why it is not governed, "" where it is."""
    active: bool
    measured_w: float | None
    """None: no meter value that is fresh."""
    limit_w: float | None
    """The limit that it accepted; None: none of ours."""
    counted_w: float
    """What it is counted with: the most it may draw."""
    rated_w: float
    problem: str = ""
    """Why it has no better limit, for example that it rejected the last one."""


class PolicyLoad(msgspec.Struct, frozen=True):
    """A policy as it stands; power in W."""

    name: str
    limit_w: float
    reserve_w: float
    counted_w: float
    """What all its chargers together may draw now."""
    measured_w: float
    """What they draw, as far as they say."""
    chargers: tuple[ChargerLoad, ...]

    def within(self, reached: Collection[str]) -> "PolicyLoad":
        """Return the picture without the chargers that are not `reached`; the sums stay those of all."""
        return replace(self, chargers=tuple(load for load in self.chargers if load.charger in reached))

    @property
    def is_kept(self) -> bool:
        """Return True where the chargers can't draw more than the limit."""
        return self.counted_w <= self.limit_w + 1.0
