"""Security events: each is counted, one and the same is written down once in a while, all of them at a bounded rate."""

import pytest

from reconciler.app import security_events
from reconciler.app.security_events import AGAIN_AFTER_S, EVENTS, WRITTEN, SecurityEvents
from reconciler.model.history import HistoryEvent
from tests.support.clock import FakeClock
from tests.support.relay import Tally


class Watch:
    """The use case with all that it was given."""

    def __init__(self) -> None:
        self.clock, self.tally, self.written = FakeClock(), Tally(), list[HistoryEvent]()
        self.events = SecurityEvents(self.written.append, self.tally, lambda event, **fields: None, self.clock)

    def counted(self, event: str) -> int:
        """Return how many the metric counted."""
        return self.tally.counts["security_events", event]


def test_one_and_the_same_is_written_down_once_and_later_with_how_many_came_before() -> None:
    watch = Watch()
    for port in range(1000):
        watch.events.happened("failed-login", charger="cp1", remote=f"10.0.0.1:{port}", detail="wrong password")
    watch.events.happened("failed-login", charger="cp2", remote="10.0.0.1:1", detail="wrong password")
    watch.events.happened("profile-downgrade", charger="cp1", remote="10.0.0.1:1")
    assert [(event.charger, event.details["event"]) for event in watch.written] == [
        ("cp1", "failed-login"),
        ("cp2", "failed-login"),
        ("cp1", "profile-downgrade"),
    ]
    assert watch.counted("failed-login") == 1001
    watch.clock.advance(AGAIN_AFTER_S)
    watch.events.happened("failed-login", charger="cp1", remote="10.0.0.2:1", detail="wrong password")
    assert watch.written[-1].summary == "failed-login: wrong password (999 more of it before)"
    assert {event.kind for event in watch.written} == {"security-event"}


def test_unknown_stations_of_one_address_are_one() -> None:
    watch = Watch()
    for port in range(50):
        watch.events.happened("unknown-station", remote=f"10.0.0.1:{port}", detail="CP-9")
    assert len(watch.written) == 1


def test_many_addresses_fill_neither_history_nor_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security_events, "REMEMBERED_MAX", 100)
    watch = Watch()
    for number in range(5000):
        watch.events.happened("unknown-station", remote=f"10.0.{number // 256}.{number % 256}:1")
    assert len(watch.written) == WRITTEN.burst
    assert len(watch.events._seen) == 100
    assert watch.counted("unknown-station") == 5000
    watch.clock.advance(1)
    watch.events.happened("failed-login", charger="cp1")
    assert watch.written[-1].charger == "cp1"


@pytest.mark.parametrize(
    ("payload", "summary"),
    [
        (
            '{"type":"InvalidTLSVersion","timestamp":"t","techInfo":"1.0\\n"}',
            "station-reported: InvalidTLSVersion: 1.0",
        ),
        ('{"type":"' + "x" * 500 + '"}', "station-reported: " + "x" * 50),
        ('{"type":7}', "station-reported: :"),
        ("nonsense", "station-reported: :"),
    ],
)
def test_what_a_station_reports_is_written_down_bounded(payload: str, summary: str) -> None:
    watch = Watch()
    watch.events.reported("cp1", payload)
    (event,) = watch.written
    assert event.summary.startswith(summary)
    assert event.charger == "cp1"


def test_different_reports_of_a_station_are_different_events() -> None:
    watch = Watch()
    for kind in ("InvalidTLSVersion", "TamperDetectionActivated", "InvalidTLSVersion"):
        watch.events.reported("cp1", f'{{"type":"{kind}"}}')
    assert [event.details["type"] for event in watch.written] == ["InvalidTLSVersion", "TamperDetectionActivated"]


def test_every_event_has_its_words() -> None:
    assert all(words and "\n" not in words for words in EVENTS.values())


def test_what_is_written_of_a_charger_and_was_noticed_here_is_passed_on() -> None:
    watch, passed = Watch(), list[tuple[str, str, str, str]]()
    watch.events.noticed = lambda *what: passed.append(what)
    for _ in range(2):
        watch.events.happened("failed-login", charger="cp1", remote="10.0.0.1:1", detail="wrong password")
    watch.events.happened("unknown-station", remote="10.0.0.1:1")
    watch.events.reported("cp1", '{"type":"TamperDetectionActivated"}')
    assert passed == [
        ("failed-login", "cp1", "10.0.0.1:1", "wrong password"),
        ("unknown-station", "", "10.0.0.1:1", EVENTS["unknown-station"]),
    ]
