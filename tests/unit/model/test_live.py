"""Live state as values."""

from reconciler.model.live import Ack, Deferred, LegPhase, LiveCharger, Refusal


def test_an_offline_charger_runs_nothing() -> None:
    offline = LiveCharger("cp001", connected=False, since_s=0)
    assert (offline.generation, offline.legs, offline.owners, offline.transactions) == (0, (), None, ())


def test_outcomes_tell_themselves_apart() -> None:
    assert Ack(1) != Deferred(1)
    assert Refusal(1, "why").reason == "why"


def test_phases_are_written_as_words() -> None:
    assert LegPhase("registered") is LegPhase.REGISTERED
