"""Refusing: a guard that says no becomes the error that carries its exit code."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.errors import GuardTripped, NotApplied, OutsideChangeWindow
from reconciler.model.plan import Block
from reconciler.planning.change_windows import CHANGE_WINDOW


def refuse_blocked(blocked: Sequence[Block]) -> None:
    """Raise where a guard says no: GuardTripped, or OutsideChangeWindow where it is nothing but a change window."""
    if not blocked:
        return
    windows = all(block.guard == CHANGE_WINDOW for block in blocked)
    error: type[NotApplied] = OutsideChangeWindow if windows else GuardTripped
    allow = " and ".join(block.override for block in blocked)
    wait = "; --wait-for-window waits for it" if window_to_wait_for(blocked) else ""
    raise error("; ".join(map(_told, blocked)), hint=f"{allow} {'allows' if len(blocked) == 1 else 'allow'} it{wait}")


def window_to_wait_for(blocked: Sequence[Block]) -> datetime | None:
    """Return when all that is blocked will be allowed by itself; None where nothing is blocked, or not by windows."""
    times = [block.eligible_at for block in blocked if block.guard == CHANGE_WINDOW]
    if len(times) < len(blocked):
        return None
    known = [eligible_at for eligible_at in times if eligible_at is not None]
    return max(known) if known and len(known) == len(times) else None


def _told(block: Block) -> str:
    return block.summary + (f" (eligible at {block.eligible_at:%Y-%m-%d %H:%M} UTC)" if block.eligible_at else "")
