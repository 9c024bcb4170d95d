"""Errands as rows: what they show, and how long they are kept."""

from datetime import UTC, datetime, timedelta

from reconciler.app.errand_rows import KEPT_FOR, Errand
from reconciler.app.errands import ANSWER_WITHIN, BEGIN_WITHIN_S


def test_an_errand_does_not_show_what_is_in_it() -> None:
    errand = Errand("1", "a/1", "b/1", "call", b"sealed", datetime(2026, 11, 26, tzinfo=UTC))
    assert "sealed" not in repr(errand)


def test_an_answer_is_given_up_before_its_row_is_forgotten() -> None:
    assert timedelta(seconds=BEGIN_WITHIN_S) < ANSWER_WITHIN < KEPT_FOR
