"""Refusing: a guard that says no becomes the error that carries its exit code."""

from collections.abc import Sequence

from reconciler.errors import GuardTripped, NotApplied, OutsideChangeWindow
from reconciler.model.plan import Block
from reconciler.planning.change_windows import CHANGE_WINDOW


def refuse_blocked(blocked: Sequence[Block]) -> None:
    """Raise where a guard says no: GuardTripped, or OutsideChangeWindow where it is nothing but a change window."""
    if not blocked:
        return
    windows = all(block.guard == CHANGE_WINDOW for block in blocked)
    error: type[NotApplied] = OutsideChangeWindow if windows else GuardTripped
    raise error("; ".join(map(_told, blocked)), hint=" and ".join(f"{block.override} allows it" for block in blocked))


def _told(block: Block) -> str:
    return block.summary + (f" (eligible at {block.eligible_at:%Y-%m-%d %H:%M} UTC)" if block.eligible_at else "")
