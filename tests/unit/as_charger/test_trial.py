"""The trial of new settings: in which order they are dialled."""

from reconciler.as_charger.settings import LegSettings
from reconciler.as_charger.trial import Trial

OLD, NEW, OTHER = (LegSettings(password=word) for word in (b"old", b"new", b"other"))


def dialled(trial: Trial, times: int) -> list[bytes | None]:
    found = []
    for _ in range(times):
        found.append(trial.current.password)
        trial = trial.failed()
    return found


def test_the_new_ones_come_first_and_the_old_ones_get_their_turn() -> None:
    assert dialled(Trial((NEW,), OLD), 8) == [b"new"] * 3 + [b"old"] * 3 + [b"new"] * 2


def test_two_readings_take_turns() -> None:
    assert dialled(Trial((NEW, OTHER), OLD), 10) == [b"new", b"other"] * 3 + [b"old"] * 3 + [b"new"]


def test_it_says_whose_turn_it_is() -> None:
    assert [Trial((NEW,), OLD, turn).fell_back for turn in range(7)] == [False] * 3 + [True] * 3 + [False]


def test_after_a_restart_it_begins_anew() -> None:
    trial = Trial((NEW, OTHER), OLD, turn=4, opened=True)
    assert Trial.restored(trial.snapshot()) == Trial((NEW, OTHER), OLD)
    assert not trial.failed().opened
