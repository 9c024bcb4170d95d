"""The ports' own values."""

from datetime import UTC, datetime

from reconciler.app.ports import ChargerMemory, HistoryFilter, KeptCall


def test_a_new_chargers_memory_is_empty() -> None:
    memory = ChargerMemory("cp001")
    assert (memory.version, memory.boot, dict(memory.statuses), dict(memory.ids)) == ("", None, {}, {})


def test_history_is_read_in_pages() -> None:
    assert HistoryFilter().limit == 100


def test_kept_calls_are_told_apart_by_charger_and_order() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    assert KeptCall("cp001", 1, b"", at) != KeptCall("cp001", 2, b"", at)
