"""Order: create and update go down this table, what others refer to first; deletes come last, and go up it.

    security-profile        role
     │      │      │         │
     │  charger  split-      │      selectors name chargers too; no line is drawn for them, since
     │           system      │      every kind that has a selector comes after the chargers anyway
     └── backend             │
           ├─────────────────┤
     backend-binding   scheduled-outage
     change-window     notification-rule     load-policy      (refer to nothing)

`KINDS` in `model/addresses.py` is this table as data: each kind comes after all that it refers to.
"""

from collections.abc import Iterable
from typing import Final

from reconciler.model.addresses import KINDS
from reconciler.model.plan import Action, ResourceChange

_RANK: Final = {kind: rank for rank, kind in enumerate(KINDS.values())}


def in_order(changes: Iterable[ResourceChange]) -> tuple[ResourceChange, ...]:
    """Return the changes so that no prefix of them leaves a dangling reference."""
    return tuple(sorted(changes, key=_place))


def by_kind(addresses: Iterable[str]) -> list[str]:
    """Return addresses with what others refer to first; by name within a kind."""
    ranks: list[list[str]] = [[] for _ in _RANK]
    for address in addresses:
        ranks[_rank(address)].append(address)
    return [address for some in ranks for address in sorted(some)]


def _place(change: ResourceChange) -> tuple[bool, int, str]:
    deletes = change.action is Action.DELETE
    return deletes, -_rank(change.address) if deletes else _rank(change.address), change.address


def _rank(address: str) -> int:
    return _RANK[address.partition(".")[0]]
