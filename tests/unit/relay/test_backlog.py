"""The backlog of acknowledged calls: order, bounds, what makes room (R11)."""

import pytest

from reconciler.relay import backlog as module
from reconciler.relay.backlog import KEPT, Backlog
from reconciler.relay.catalogue import CATALOGUE
from reconciler.relay.envelope import Frame, read_frame


def call(action: str, message_id: str = "1", payload: str = "{}") -> Frame:
    frame = read_frame(f'[2,"{message_id}","{action}",{payload}]'.encode())
    assert isinstance(frame, Frame)
    return frame


def test_calls_are_kept_in_the_order_they_came() -> None:
    backlog = Backlog()
    for number in range(3):
        backlog.take(call("StopTransaction", str(number)), now=number)
    assert [(kept.seq, kept.frame.id) for kept in backlog] == [(1, "0"), (2, "1"), (3, "2")]


def test_what_the_owner_has_is_forgotten() -> None:
    backlog = Backlog()
    for number in range(4):
        backlog.take(call("StopTransaction", str(number)), now=0)
    backlog.forget([1])
    backlog.forget([3, 99])
    assert [kept.seq for kept in backlog] == [2, 4]


def test_meter_values_make_room_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENTRIES_MAX", 3)
    backlog = Backlog()
    for action in ("StopTransaction", "MeterValues", "MeterValues"):
        backlog.take(call(action), now=0)
    kept, gone = backlog.take(call("StopTransaction"), now=1)
    assert kept is not None
    assert gone == [2]
    assert [kept.seq for kept in backlog] == [1, 3, 4]


def test_updates_of_a_transaction_make_room_but_not_its_beginning_or_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENTRIES_MAX", 3)
    backlog = Backlog()
    for event in ("Started", "Updated", "Ended"):
        backlog.take(call("TransactionEvent", payload=f'{{"eventType":"{event}"}}'), now=0)
    assert backlog.take(call("SecurityEventNotification"), now=0)[1] == [2]
    assert backlog.take(call("SecurityEventNotification"), now=0) == (None, [])


def test_a_full_backlog_takes_nothing_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BYTES_MAX", 100)
    backlog = Backlog()
    backlog.take(call("StopTransaction"), now=0)
    kept, gone = backlog.take(call("StopTransaction", payload='{"x":"' + "y" * 100 + '"}'), now=0)
    assert (kept, gone, len(backlog)) == (None, [], 1)


def test_nothing_makes_room_for_what_there_is_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BYTES_MAX", 200)
    backlog = Backlog()
    for action in ("StopTransaction", "MeterValues", "MeterValues"):
        backlog.take(call(action), now=0)
    large = call("StopTransaction", payload='{"x":"' + "y" * 150 + '"}')
    assert backlog.take(large, now=0) == (None, [])
    assert len(backlog) == 3
    assert backlog.take(call("StopTransaction", payload='{"x":"' + "y" * 100 + '"}'), now=0)[1] == [2]


def test_what_is_too_old_goes() -> None:
    backlog = Backlog()
    backlog.take(call("StopTransaction"), now=0)
    _, gone = backlog.take(call("StopTransaction"), now=8 * 24 * 3600)
    assert gone == [1]


def test_a_restored_backlog_goes_on_where_it_was() -> None:
    backlog = Backlog()
    backlog.restore([(7, b'[2,"b","StopTransaction",{}]', 1.0), (5, b'[2,"a","StopTransaction",{ "x": 1.10}]', 0.0)])
    assert [kept.frame.raw for kept in backlog] == [
        b'[2,"a","StopTransaction",{ "x": 1.10}]',
        b'[2,"b","StopTransaction",{}]',
    ]
    kept, _ = backlog.take(call("StopTransaction"), now=2)
    assert kept is not None
    assert kept.seq == 8


@pytest.mark.parametrize("version", sorted(KEPT))
def test_only_what_stations_send_is_kept_and_never_a_decision(version: str) -> None:
    for action in KEPT[version]:
        assert CATALOGUE[version][action].from_station
    assert not KEPT[version] & {"Authorize", "StartTransaction", "BootNotification", "Heartbeat", "DataTransfer"}
