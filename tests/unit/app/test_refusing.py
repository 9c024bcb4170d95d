"""Refusing: which error a blocked change becomes."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.app.refusing import refuse_blocked, window_to_wait_for
from reconciler.errors import GuardTripped, OutsideChangeWindow
from reconciler.model.plan import Block
from tests.support.clock import EPOCH

WINDOW = Block("change-window", "nights only", "--override-window", EPOCH)
EMPTY = Block("empty", "nothing would be left", "--allow-empty")


def test_without_a_block_nothing_is_refused() -> None:
    refuse_blocked(())


def test_a_change_window_alone_has_its_own_error_and_says_when() -> None:
    with pytest.raises(OutsideChangeWindow, match=r"nights only \(eligible at 2026-12-01 02:00 UTC\)") as refused:
        refuse_blocked([WINDOW])
    assert refused.value.hint == "--override-window allows it; --wait-for-window waits for it"


def test_a_guard_besides_a_window_is_a_guard_and_all_are_told() -> None:
    with pytest.raises(GuardTripped, match="nothing would be left; nights only") as refused:
        refuse_blocked([EMPTY, WINDOW])
    assert refused.value.hint == "--allow-empty and --override-window allow it"


def test_only_windows_are_waited_for_and_the_last_of_them_counts() -> None:
    later = replace(WINDOW, eligible_at=EPOCH + timedelta(hours=2))
    assert window_to_wait_for([WINDOW, later]) == later.eligible_at
    assert window_to_wait_for([]) is None
    assert window_to_wait_for([WINDOW, Block("empty", "nothing", "--allow-empty")]) is None
    assert window_to_wait_for([WINDOW, replace(WINDOW, eligible_at=None)]) is None
