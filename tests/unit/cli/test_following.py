"""What `fwdctl apply` tells of the chargers at the end."""

import pytest

from reconciler.cli.following import Lines, later


def result(charger: str, verdict: str, reason: str = "") -> dict[str, str]:
    """Return what became of a charger, as the API has it."""
    return {"charger": charger, "verdict": verdict, "reason": reason}


def test_who_comes_later_is_named_with_the_reason_once_for_all_that_share_it() -> None:
    away = [result(f"cp{number:03}", "deferred", "at its next connection") for number in range(900)]
    others = [
        result("cp900", "deferred", "refused until it is resumed"),
        result("cp901", "skipped", "held back: ann asked to stop"),
    ]
    assert list(later([result("cp999", "applied"), *away, *others, result("cp998", "failed", "no")])) == [
        "  deferred, at its next connection: cp000, cp001, cp002, cp003, cp004 and 895 more",
        "  deferred, refused until it is resumed: cp900",
        "  skipped, held back: cp901",
    ]


@pytest.mark.parametrize(("total", "told"), [(0, "committed"), (1, "committed, 1 charger to bring there")])
def test_a_log_counts_chargers_as_people_do(total: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Lines().step({"step": "committed", "total": total, "done": 0})
    Lines().step({"step": "canary", "total": 1, "done": 1})
    assert capsys.readouterr().err == f"{told}\nthe canary is confirmed: 1 charger\n"
