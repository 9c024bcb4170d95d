"""What is remembered of a charger from session to session (R9, R15)."""

from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.memory import SessionMemory


def frame(payload: str, action: str = "StatusNotification") -> Frame:
    read = read_frame(f'[2,"1","{action}",{payload}]'.encode())
    assert isinstance(read, Frame)
    return read


def event(kind: str, transaction: str = '"t1"', evse: str = '{"id":2}') -> Frame:
    return frame(
        f'{{"eventType":"{kind}","transactionInfo":{{"transactionId":{transaction}}},"evse":{evse}}}',
        "TransactionEvent",
    )


def test_a_transaction_ends_what_was_open_on_its_connector_and_nothing_else() -> None:
    memory = SessionMemory()
    for id_, connector in (("1", 1), ("2", 2), ("3", '"no number"'), ("4", '"no number"'), ("5", 1)):
        memory.transaction_started(frame(f'{{"connectorId":{connector}}}', "StartTransaction"), id_, "home", 0.0)
    assert list(memory.transactions) == ["2", "3", "4", "5"]


def test_the_last_status_of_every_connector_is_kept_oldest_first() -> None:
    memory = SessionMemory()
    for payload in (
        '{"connectorId":1,"status":"A"}',
        '{"connectorId":2,"status":"B"}',
        '{"connectorId":1,"status":"C"}',
    ):
        memory.status_reported(frame(payload))
    assert list(memory.statuses.values()) == [b'{"connectorId":2,"status":"B"}', b'{"connectorId":1,"status":"C"}']


def test_connectors_of_different_evses_are_different() -> None:
    memory = SessionMemory()
    memory.status_reported(frame('{"evseId":1,"connectorId":1}'))
    memory.status_reported(frame('{"evseId":2,"connectorId":1}'))
    assert len(memory.statuses) == 2


def test_a_status_that_can_not_be_read_is_not_kept() -> None:
    memory = SessionMemory()
    for payload in ('{"connectorId":"one"}', "null", '{"connectorId":1e99}'):
        memory.status_reported(frame(payload))
    assert memory.statuses == {}


def test_statuses_are_bounded() -> None:
    memory = SessionMemory()
    for connector in range(1000):
        memory.status_reported(frame(f'{{"connectorId":{connector}}}'))
    assert len(memory.statuses) == 256


def test_a_boot_starts_statuses_anew() -> None:
    memory = SessionMemory()
    memory.status_reported(frame('{"connectorId":1}'))
    memory.station_booted(frame('{"a": 1}', "BootNotification"))
    assert (memory.boot, memory.statuses) == (b'{"a": 1}', {})


def test_another_version_can_not_replay_what_was_said() -> None:
    memory = SessionMemory()
    memory.use_version("ocpp1.6")
    memory.station_booted(frame("{}", "BootNotification"))
    memory.use_version("ocpp1.6")
    assert memory.boot == b"{}"
    memory.use_version("ocpp2.0.1")
    assert (memory.boot, memory.statuses) == (None, {})


def test_transactions_of_16_open_and_close() -> None:
    memory = SessionMemory()
    memory.transaction_started(frame('{"connectorId":2}', "StartTransaction"), "7", "home", 5.0)
    memory.transaction_started(frame('{"connectorId":"x"}', "StartTransaction"), "8", "home", 6.0)
    opened = memory.transactions["7"]
    assert (opened.owner, opened.since_s, opened.connector) == ("home", 5.0, "2")
    assert memory.transactions["8"].connector == ""
    memory.transaction_stopped(b"7")
    memory.transaction_stopped(b"9")
    assert list(memory.transactions) == ["8"]


def test_transactions_of_2x_open_and_close_with_their_events() -> None:
    memory = SessionMemory()
    assert memory.transaction_event(event("Started"), "home", 5.0)
    assert not memory.transaction_event(event("Updated"), "home", 6.0)
    assert (memory.transactions["t1"].since_s, memory.transactions["t1"].connector) == (5.0, "2")
    assert memory.transaction_event(event("Ended"), "home", 7.0)
    assert not memory.transaction_event(event("Ended"), "home", 7.0)
    assert memory.transactions == {}


def test_a_transaction_whose_start_was_missed_opens_with_its_first_event() -> None:
    memory = SessionMemory()
    assert memory.transaction_event(event("Updated", evse="{}"), "home", 5.0)
    assert memory.transactions["t1"].connector == ""


def test_an_event_that_can_not_be_read_changes_nothing() -> None:
    memory = SessionMemory()
    assert not memory.transaction_event(event("Started", transaction="5"), "home", 5.0)
    assert not memory.transaction_event(event("Started", transaction='""'), "home", 5.0)
    assert not memory.transaction_event(frame("null", "TransactionEvent"), "home", 5.0)


def test_open_transactions_are_bounded() -> None:
    memory = SessionMemory()
    for number in range(100):
        memory.transaction_event(event("Started", f'"t{number}"'), "home", 5.0)
    assert len(memory.transactions) == 64
    assert "t99" in memory.transactions


def test_a_snapshot_brings_everything_back() -> None:
    memory = SessionMemory()
    memory.use_version("ocpp1.6")
    memory.station_booted(frame('{"a":1}', "BootNotification"))
    memory.status_reported(frame('{"connectorId":1}'))
    entry = memory.ids.begin()
    memory.ids.owner_answered(entry, "home", b'{"transactionId":7}')
    memory.transaction_started(frame('{"connectorId":1}', "StartTransaction"), "7", "home", 5.0)
    again = SessionMemory.restored("ocpp1.6", memory.boot, memory.statuses, memory.snapshot(), 99.0)
    assert (again.version, again.boot, again.statuses) == ("ocpp1.6", memory.boot, memory.statuses)
    assert again.snapshot() == memory.snapshot()
    assert again.transactions["7"].since_s == 99.0


def test_an_empty_snapshot_is_an_empty_memory() -> None:
    memory = SessionMemory.restored("ocpp1.6", None, {}, {}, 1.0)
    assert (memory.boot, memory.statuses, memory.transactions) == (None, {}, {})
