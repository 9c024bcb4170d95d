"""Guards: the changes that are refused before anything is touched, unless a flag that names the guard allows them."""

import re
from collections.abc import Iterable, Iterator, Sized
from typing import Final

import msgspec

from reconciler.errors import FwdctlError
from reconciler.model.plan import Block, Disruption, Effect

UNGUARDED_LIVE_MAX: Final = 10
"""With no more chargers than this live, no default limit holds: a percentage of a handful says nothing."""


class Share(msgspec.Struct, frozen=True):
    """A number of chargers, or a percentage of those that are live."""

    number: float
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Return the share that "12" or "10%" writes; raises FwdctlError where it writes none. 0 means none at all."""
        if not re.fullmatch(r"\d+|\d+(\.\d+)?%", text):
            raise FwdctlError(f"{text!r} is no number of chargers", hint="write a number such as 12, or 10%")
        share = cls(float(text.rstrip("%")), text.endswith("%"))
        if share.percent and share.number > 100:
            raise FwdctlError(f"{text!r} is more than all chargers", hint="100% is the most")
        return share

    def of(self, live: int) -> int:
        """Return how many of `live` chargers this is, rounded down."""
        return int(live * self.number / 100) if self.percent else int(self.number)

    def __str__(self) -> str:
        return f"{self.number:g}{'%' if self.percent else ''}"


DEFAULT_DISRUPTION: Final = Share(10, percent=True)


class Limits(msgspec.Struct, frozen=True):
    """What the caller allows; each field is one flag. `max_disruption` None: the default."""

    max_disruption: Share | None = None
    allow_empty: bool = False
    allow_delete_all: bool = False
    override_window: bool = False


def blocks(
    effects: Iterable[Effect],
    *,
    resources_after: Sized,
    chargers_before: Sized,
    chargers_after: Sized,
    live: int,
    limits: Limits,
) -> tuple[Block, ...]:
    """Return every guard that says no; `live` is the number of connected chargers."""
    return (
        *_emptiness(resources_after, chargers_before, chargers_after, limits),
        *disruption_blocks(effects, live=live, limits=limits),
    )


def disruption_blocks(effects: Iterable[Effect], *, live: int, limits: Limits) -> Iterator[Block]:
    """Yield a block where more live sessions are flipped, reconnected or disconnected than `limits` allows."""
    share = limits.max_disruption or (DEFAULT_DISRUPTION if live > UNGUARDED_LIVE_MAX else None)
    if share is None:
        return
    count, allowed = len(disrupted(effects)), share.of(live)
    if count > allowed:
        yield Block(
            guard="max-disruption",
            summary=f"{count} of {live} live chargers would be flipped, reconnected or disconnected, "
            f"{allowed} may be ({share})",
            override=f"--max-disruption {count}",
        )


def disrupted(effects: Iterable[Effect]) -> tuple[str, ...]:
    """Return the connected chargers that notice the change, or whose owners do, now or once the relay lets it."""
    return tuple(name for effect in effects if effect.disruption is not Disruption.NONE for name in effect.chargers)


def _emptiness(resources: Sized, before: Sized, after: Sized, limits: Limits) -> Iterator[Block]:
    if not len(resources):
        if not limits.allow_empty:
            yield Block("empty", "nothing at all would be left declared", "--allow-empty")
    elif len(before) and not len(after) and not limits.allow_delete_all:
        yield Block("delete-all", f"all {len(before)} chargers would be deleted", "--allow-delete-all")
