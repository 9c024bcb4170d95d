"""Whom `fwdctl apply` asks, and whom it does not."""

import io
import sys
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from reconciler.cli.apply import approve_and_apply
from reconciler.errors import FwdctlError, GuardTripped, OutsideChangeWindow
from reconciler.model.plan import Action, Block, Plan, ResourceChange
from reconciler.model.plan_json import to_json
from tests.support.clock import EPOCH

CHANGE = ResourceChange("charger.cp001", Action.CREATE, None, {})
PLAN = Plan("p1", EPOCH, 0, (CHANGE,))
GUARD = Block("delete-all", "all 9 chargers would be deleted", "--allow-delete-all")
WINDOW = Block("change-window", "nights only", "--override-window --reason TEXT", EPOCH)
Answer = Callable[..., None]


class Terminal(io.StringIO):
    """Somebody at a keyboard."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Let somebody at a terminal answer no, and say with what that ends."""

    def no(*blocked: Block, waits: bool = False, judged: bool = True) -> None:
        monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
        made, order = to_json(replace(PLAN, blocked=blocked)), {"wait_for_window": waits}
        approve_and_apply(
            None,  # type: ignore[arg-type]  # nothing is to be sent
            made,
            order,
            auto_approve=False,
            json_output=False,
            judged=judged,
        )

    return no


def test_a_person_may_say_no(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FwdctlError, match="not applied: the answer was no"):
        answer()
    shown = capsys.readouterr()
    assert "Plan: 1 to add" in shown.out
    assert "Apply this?" in shown.err


def test_nobody_is_asked_about_what_would_be_refused(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GuardTripped, match="all 9 chargers would be deleted"):
        answer(GUARD)
    with pytest.raises(OutsideChangeWindow, match="nights only"):
        answer(WINDOW)
    assert "Apply this?" not in capsys.readouterr().err


@pytest.mark.parametrize("allowed", [{"waits": True}, {"judged": False}])
def test_where_it_may_go_all_the_same_a_person_decides(answer: Answer, allowed: dict[str, bool]) -> None:
    with pytest.raises(FwdctlError, match="the answer was no"):
        answer(WINDOW, **allowed)
