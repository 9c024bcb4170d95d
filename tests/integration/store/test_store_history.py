"""History, on both engines."""

from datetime import timedelta
from types import MappingProxyType

import pytest
from msgspec.structs import replace

from reconciler.adapters.store.bulk import AT_ONCE
from reconciler.app.ports import HistoryFilter, Store
from reconciler.model.history import HistoryEvent
from tests.support.store_process import EPOCH

EVENTS = [
    HistoryEvent(
        at=EPOCH + timedelta(minutes=minute),
        kind=kind,
        summary=f"event {minute}",
        charger=charger,
        actor="ann",
        reason="because",
        revision=revision,
        details={"z": [1, None, 2.5], "a": {"b": "caffè"}},
    )
    for minute, kind, charger, revision in [
        (0, "apply", "", 1),
        (1, "flip", "cp001", 1),
        (2, "flip", "cp002", 1),
        (3, "station-gone", "cp001", None),
    ]
]


@pytest.fixture
async def journal(store: Store) -> Store:
    await store.record(EVENTS[:2])
    await store.record(EVENTS[2:])
    return store


def _numbers(events: tuple[HistoryEvent, ...]) -> list[int]:
    return [int(event.summary.split()[1]) for event in events]


async def test_events_come_back_newest_first_and_whole(journal: Store) -> None:
    events = await journal.history(HistoryFilter())
    assert [event.seq for event in events] == [4, 3, 2, 1]
    assert [HistoryEvent(**{**_fields(event), "seq": 0}) for event in reversed(events)] == EVENTS


@pytest.mark.parametrize("count", [AT_ONCE - 1, AT_ONCE, 2 * AT_ONCE + 3])
async def test_many_events_come_back_as_they_were_and_in_order(store: Store, count: int) -> None:
    told = {"moves": [{"before": "csms", "after": "local"}]}
    written = [
        replace(EVENTS[number % 4], summary=f"event {number}", details=told if number % 3 else MappingProxyType(told))
        for number in range(count)
    ]
    await store.record(written)
    found = await store.history(HistoryFilter(limit=count + 1))
    assert [event.seq for event in found] == list(range(count, 0, -1))
    assert [replace(event, seq=0) for event in reversed(found)] == [replace(one, details=told) for one in written]


async def test_what_a_database_has_no_place_for_is_replaced_in_many_as_in_one(store: Store) -> None:
    await store.record([replace(EVENTS[1], charger="nul\0 and \ud800")] * AT_ONCE)
    assert {event.charger for event in await store.history(HistoryFilter())} == {"nul\ufffd and ?"}


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (HistoryFilter(charger="cp001"), [3, 1]),
        (HistoryFilter(charger=""), [0]),
        (HistoryFilter(kind="flip"), [2, 1]),
        (HistoryFilter(without="flip"), [3, 0]),
        (HistoryFilter(charger="cp001", kind="flip"), [1]),
        (HistoryFilter(since=EPOCH + timedelta(minutes=2)), [3, 2]),
        (HistoryFilter(until=EPOCH + timedelta(minutes=1)), [1, 0]),
        (HistoryFilter(revision=1), [2, 1, 0]),
        (HistoryFilter(revision=2), []),
        (HistoryFilter(chargers=("cp001", "other")), [3, 1]),
        (HistoryFilter(chargers=()), []),
        (HistoryFilter(limit=1), [3]),
        (HistoryFilter(charger="cp001", limit=1), [3]),
        (HistoryFilter(limit=0), []),
        (HistoryFilter(limit=-1), []),
        (HistoryFilter(charger="nobody"), []),
    ],
    ids=repr,
)
async def test_a_filter_chooses_events(journal: Store, wanted: HistoryFilter, numbers: list[int]) -> None:
    assert _numbers(await journal.history(wanted)) == numbers


async def test_events_of_one_instant_keep_the_order_they_were_recorded_in(store: Store) -> None:
    await store.record([HistoryEvent(at=EPOCH, kind="flip", summary=f"event {number}") for number in range(300)])
    assert _numbers(await store.history(HistoryFilter(limit=1000))) == list(reversed(range(300)))


async def test_an_event_recorded_late_is_still_the_newest(journal: Store) -> None:
    await journal.record([HistoryEvent(at=EPOCH - timedelta(days=1), kind="flip", summary="event 99")])
    assert _numbers(await journal.history(HistoryFilter(limit=2))) == [99, 3]


async def test_recording_nothing_is_harmless(store: Store) -> None:
    await store.record([])
    assert await store.history(HistoryFilter()) == ()


async def test_hostile_text_from_a_station_does_not_stop_recording(store: Store) -> None:
    event = HistoryEvent(
        EPOCH, "station-gone", "a\0b\ud800", reason="'; DROP TABLE events; --", details={"id": "\0\ud800"}
    )
    await store.record([event])
    (read,) = await store.history(HistoryFilter())
    assert (read.summary, read.reason, read.details) == ("a\ufffdb?", event.reason, event.details)


def _fields(event: HistoryEvent) -> dict[str, object]:
    return {name: getattr(event, name) for name in HistoryEvent.__slots__}


async def test_the_oldest_events_are_forgotten_first_and_only_those_from_before_then(journal: Store) -> None:
    before = EVENTS[3].at
    assert [await journal.forget_events(before, 2) for _ in range(3)] == [2, 1, 0]
    assert _numbers(await journal.history(HistoryFilter())) == [3]
