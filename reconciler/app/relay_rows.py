"""The rows through which a controller steers chargers that are connected to other nodes, and who may write them.

| row | written by | fenced by |
|---|---|---|
| `Ask`: what a charger is to run, as which generation | the node whose controller acts | the incarnation of its duty |
| `Report`: what it runs, and where | the node that has its socket | the node's incarnation, the charger's epoch |
| `NodeLease`: which start of a node is alive | that node | its incarnation |

Nothing is ever sent: a row is written and read by whoever it concerns, soon if a hint comes through, by polling if not.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from reconciler.app.passed import Passed
from reconciler.app.ports import ChargerMemory, KeptCall
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger

ACTING: Final = "acting"
"""The duty of the node whose controller steers all chargers, and which tells partners."""


LOOK: Final = "look"
"""The hint that asks the acting controller to look at everything; any other says that there are new rows."""


class NodeStart(msgspec.Struct, frozen=True):
    """One start of a node; `incarnation` counts them, and only the newest may write."""

    node: str
    incarnation: int

    def __str__(self) -> str:
        return f"{self.node}/{self.incarnation}"


class NodeLease(msgspec.Struct, frozen=True):
    """The newest start of a node, taken for alive before `until`."""

    start: NodeStart
    until: datetime


class Ask(msgspec.Struct, frozen=True):
    """What a charger is to run; `desired` None: it is not declared any more. `seq` numbers all asks as committed."""

    charger: str
    generation: int
    desired: DesiredCharger | None
    seq: int = 0


class Report(msgspec.Struct, frozen=True):
    """How a charger runs, or when it left; `epoch` counts its connections to any node, `seq` the writes of a start."""

    charger: str
    start: NodeStart
    epoch: int
    live: LiveCharger
    seq: int = 0
    passed: Passed = msgspec.field(default_factory=dict)
    """What passed at that node since it started; empty where it has not told yet."""


class Taken(msgspec.Struct, frozen=True):
    """A charger's new epoch; with what another node left of it, where another node had it before."""

    epoch: int
    elsewhere: bool = False
    memory: ChargerMemory | None = None
    kept: tuple[KeptCall, ...] = ()


Seen = Mapping[str, tuple[int, int]]
"""Node -> (incarnation, seq) of its newest report that was read."""


class RelayRows(Protocol):
    """The rows, in the store."""

    async def join(self, node: str, at: datetime, lease_s: float) -> NodeStart:
        """Begin a new start of `node`; what an earlier one held is free from now on."""

    async def renew(self, start: NodeStart, at: datetime, lease_s: float) -> bool:
        """Extend the lease; False where a newer start of the same node has begun."""

    async def nodes(self) -> tuple[NodeLease, ...]:
        """Return all nodes by name, those that are gone too."""

    async def ask(self, asks: Sequence[Ask], holder: str, incarnation: int, at: datetime) -> bool:
        """Write these asks, all in one transaction; False, and nothing is written, where the duty was lost."""

    async def asks(self, after: int) -> tuple[Ask, ...]:
        """Return the asks with a seq above `after`, in order."""

    async def take(self, start: NodeStart, chargers: Collection[str], seq: int) -> Mapping[str, Taken]:
        """Note that these chargers have just connected to this node: whoever had them can write nothing any more.

        `seq` counts the writes of this start. Empty where a newer start of the same node has begun.
        """

    async def report(self, start: NodeStart, reports: Sequence[Report]) -> frozenset[str]:
        """Write those reports whose charger still has that epoch here, and return the chargers that were lost."""

    async def reports(self, seen: Seen) -> tuple[Report, ...]:
        """Return the reports that are newer than those `seen`."""


class Holdings(Protocol):
    """Where a relay node says that a charger is its own."""

    async def take(self, charger: str) -> None:
        """Make this charger this node's; what another node left of it is `taken` meanwhile. Bounded, never raises."""


class Hints(Protocol):
    """Wakes other nodes, mostly; what it loses costs a moment, for everybody polls."""

    def tell(self, what: str) -> None:
        """Tell all nodes, soon, that there is something new."""


class NoHints:
    """For a store that can't carry hints."""

    def tell(self, what: str) -> None:
        """Do nothing."""
