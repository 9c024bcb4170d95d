"""The timeline: owners as lanes, times without a connection as gaps, over the last day."""

from datetime import UTC, datetime, timedelta

from reconciler.adapters.console.timeline import SHORTEST, SPAN, timeline
from reconciler.model.features import FEATURES
from reconciler.model.history import HistoryEvent

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
ALL = dict.fromkeys(FEATURES, "local")


def flip(hours_ago: float, before: str, after: str, *features: str) -> HistoryEvent:
    moves = [{"features": list(features or FEATURES), "before": before, "after": after}]
    return HistoryEvent(NOW - timedelta(hours=hours_ago), "flip", "", "cp1", details={"moves": moves})


def event(hours_ago: float, kind: str) -> HistoryEvent:
    return HistoryEvent(NOW - timedelta(hours=hours_ago), kind, "", "cp1")


def test_each_owner_has_its_stretch_also_who_came_before_the_first_flip() -> None:
    found = timeline(
        [event(4, "station-connected"), flip(2, "partner", "local"), flip(1, "local", "partner")], ALL, NOW
    )
    (lane,) = found.lanes
    assert lane.name == "Everything"
    assert [(one.owner, one.start, one.width) for one in lane.stretches] == [
        ("partner", 0.0, 50.0),
        ("local", 50.0, 25.0),
        ("partner", 75.0, 25.0),
    ]
    assert "partner from 08:00, then local from 10:00, then partner from 11:00" in found.told


def test_features_that_went_their_own_way_have_a_lane_of_their_own() -> None:
    found = timeline([event(2, "station-connected"), flip(1, "local", "grid", "smart-charging")], ALL, NOW)
    assert [lane.name for lane in found.lanes] == ["Everything else", "Smart charging"]
    assert [one.owner for one in found.lanes[1].stretches] == ["local", "grid"]


def test_times_without_a_connection_are_gaps_also_the_one_that_lasts() -> None:
    events = [
        event(4, "station-connected"),
        event(3, "station-gone"),
        event(2, "station-connected"),
        event(1, "station-gone"),
    ]
    assert [(one.start, one.width) for one in timeline(events, ALL, NOW).away] == [(25.0, 25.0), (75.0, 25.0)]


def test_it_shows_a_day_at_most_and_some_minutes_at_least() -> None:
    assert timeline([event(100, "station-connected")], ALL, NOW).since == NOW - SPAN
    assert timeline([event(0.01, "station-connected")], ALL, NOW).since == NOW - SHORTEST


def test_nothing_known_is_an_empty_picture() -> None:
    assert timeline([], {}, NOW).lanes == ()
