"""One thing that happened."""

from datetime import UTC, datetime

from reconciler.model.history import HistoryEvent


def test_an_event_needs_only_when_what_and_how_it_reads() -> None:
    event = HistoryEvent(datetime(2026, 11, 23, tzinfo=UTC), "flip", "every feature: a -> b")
    assert (event.charger, event.actor, event.revision, dict(event.details), event.seq) == ("", "", None, {}, 0)
