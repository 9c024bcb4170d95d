"""Transaction ids of 1.6: what the station, the owner and each observer call one transaction (R9)."""

from typing import Any

import pytest

from reconciler.relay.transaction_ids import UNKNOWN, TransactionIds, TransactionIdTable


def answer(id_: Any) -> bytes:
    return f'{{"idTagInfo":{{"status":"Accepted"}}, "transactionId" : {id_}}}'.encode()


def stop(id_: Any) -> bytes:
    return f'{{"meterStop":1,"transactionId":{id_}}}'.encode()


def started(table: TransactionIdTable, **ids: Any) -> TransactionIds:
    """The first id is the owner's."""
    entry = table.begin()
    (owner, minted), *others = ids.items()
    table.owner_answered(entry, owner, answer(minted))
    for name, id_ in others:
        table.observer_answered(entry, name, answer(id_))
    return entry


def test_the_station_keeps_the_owners_id() -> None:
    table = TransactionIdTable()
    assert table.owner_answered(table.begin(), "home", answer(7)) == answer(7)
    assert table.to_backend("home", "StopTransaction", stop(7), owner=True) == stop(7)


def test_each_back_end_hears_its_own_id() -> None:
    table = TransactionIdTable()
    started(table, home=7, eye=900)
    for action in ("StopTransaction", "MeterValues"):
        assert table.to_backend("eye", action, stop(7), owner=False) == stop(900)
        assert table.to_backend("home", action, stop(7), owner=True) == stop(7)


def test_who_never_answered_hears_that_no_id_is_known() -> None:
    table = TransactionIdTable()
    started(table, home=7)
    assert table.to_backend("eye", "StopTransaction", stop(7), owner=False) == stop(-1)
    assert table.to_backend("late", "MeterValues", stop(7), owner=True) == stop(-1)


def test_a_transaction_that_began_elsewhere_is_the_owners_as_it_is() -> None:
    table = TransactionIdTable()
    started(table, home=7, eye=900)
    assert table.to_backend("eye", "StopTransaction", stop(55), owner=True) == stop(55)
    assert table.to_backend("eye", "StopTransaction", stop(55), owner=False) == stop(-1)


@pytest.mark.parametrize("others", [{}, {"home": 7, "eye": 900}])
def test_what_stands_for_no_id_at_some_stations_is_minus_one_to_everybody(others: dict[str, Any]) -> None:
    table = TransactionIdTable()
    if others:
        started(table, **others)
    for action in ("StopTransaction", "MeterValues"):
        assert table.to_backend("home", action, stop(2**63 - 1), owner=True) == stop(-1)
        assert table.to_backend("eye", action, stop(2**63 - 1), owner=False) == stop(-1)


def test_a_back_end_that_gives_that_very_id_gets_it_back() -> None:
    table = TransactionIdTable()
    started(table, home=2**63 - 1)
    assert table.to_backend("home", "StopTransaction", stop(2**63 - 1), owner=True) == stop(2**63 - 1)


def test_a_new_owners_id_that_is_taken_becomes_a_free_one() -> None:
    table = TransactionIdTable()
    started(table, home=7, partner=1)
    entry = table.begin()
    assert table.owner_answered(entry, "partner", answer(7)) == answer(8)
    assert entry.station == b"8"
    assert table.to_backend("partner", "StopTransaction", stop(8), owner=True) == stop(7)
    assert table.to_station("partner", "RemoteStopTransaction", b'{"transactionId":7}') == b'{"transactionId":8}'
    assert table.to_backend("partner", "StopTransaction", stop(7), owner=True) == stop(1)


def test_a_finished_transactions_id_is_not_given_again_while_a_slow_observer_may_hear_of_it() -> None:
    table = TransactionIdTable()
    started(table, home=7, eye=900)
    table.end(b"7")
    assert table.owner_answered(table.begin(), "partner", answer(7)) == answer(8)
    assert table.to_backend("eye", "StopTransaction", stop(7), owner=False) == stop(900)


def test_an_owner_that_answers_minus_one_still_names_a_transaction() -> None:
    table = TransactionIdTable()
    assert table.owner_answered(table.begin(), "home", answer(-1)) == answer(1)
    assert table.owner_answered(table.begin(), "home", answer(-1)) == answer(2)
    assert table.to_backend("home", "StopTransaction", stop(2), owner=True) == stop(-1)


@pytest.mark.parametrize("big", [2**63 - 1, 2**63, 10**40, -(10**25), "9" * 5000])
def test_integers_of_any_size_pass_and_collide_without_harm(big: Any) -> None:
    table = TransactionIdTable()
    assert table.owner_answered(table.begin(), "home", answer(big)) == answer(big)
    second = table.begin()
    table.owner_answered(second, "partner", answer(big))
    assert second.station not in (None, str(big).encode(), UNKNOWN)


def test_ids_of_odd_types_pass_and_collide_without_harm() -> None:
    for odd in ('"abc"', "1e5", "7.5", "null"):
        table = TransactionIdTable()
        assert table.owner_answered(table.begin(), "home", answer(odd)) == answer(odd)
        assert table.owner_answered(table.begin(), "partner", answer(odd)) == answer(1)


def test_commands_name_the_stations_id() -> None:
    table = TransactionIdTable()
    started(table, home=7, eye=900)
    profile = b'{"connectorId":1,"csChargingProfiles":{"transactionId": 900,"stackLevel":0}}'
    assert table.to_station("eye", "RemoteStopTransaction", b'{"transactionId":900}') == b'{"transactionId":7}'
    assert table.to_station("eye", "SetChargingProfile", profile) == profile.replace(b"900", b"7")
    start = b'{"idTag":"T","chargingProfile":{"transactionId":900}}'
    assert table.to_station("eye", "RemoteStartTransaction", start) == start.replace(b"900", b"7")
    assert table.to_station("home", "RemoteStopTransaction", b'{"transactionId":7}') == b'{"transactionId":7}'
    assert table.to_station("eye", "RemoteStopTransaction", b'{"transactionId":5}') == b'{"transactionId":5}'
    assert table.to_station("eye", "Reset", b'{"transactionId":900}') == b'{"transactionId":900}'
    assert table.to_station("eye", "SetChargingProfile", b'{"connectorId":1}') == b'{"connectorId":1}'


def test_a_reused_id_means_the_newest_transaction() -> None:
    table = TransactionIdTable()
    started(table, home=7, eye=1)
    table.end(b"7")
    started(table, home=8, eye=1)
    assert table.to_station("eye", "RemoteStopTransaction", b'{"transactionId":1}') == b'{"transactionId":8}'


def test_only_the_transaction_that_never_began_is_forgotten() -> None:
    table = TransactionIdTable()
    first, second = table.begin(), table.begin()
    table.forget(second)
    table.forget(second)
    table.observer_answered(first, "eye", answer(900))
    table.owner_answered(first, "home", answer(7))
    assert table.to_backend("eye", "StopTransaction", stop(7), owner=False) == stop(900)


def test_an_answer_without_an_id_begins_nothing() -> None:
    table = TransactionIdTable()
    assert table.owner_answered(table.begin(), "home", b'{"idTagInfo":{}}') == b'{"idTagInfo":{}}'
    table.observer_answered(table.begin(), "eye", b"{}")
    assert table.snapshot() == []


def test_a_message_without_an_id_stays_as_it_is() -> None:
    table = TransactionIdTable()
    started(table, home=7, eye=900)
    assert table.to_backend("eye", "MeterValues", b'{"connectorId":1}', owner=False) == b'{"connectorId":1}'
    assert table.to_backend("eye", "Heartbeat", stop(7), owner=False) == stop(7)
    assert table.station_id("MeterValues", b'{"connectorId":1}') is None
    assert table.station_id("Heartbeat", stop(7)) is None
    assert table.station_id("StopTransaction", stop(7)) == b"7"


def test_the_table_is_bounded_and_the_finished_go_first() -> None:
    table = TransactionIdTable()
    started(table, home=0, eye=500)
    started(table, home=1, eye=501)
    table.end(b"1")
    for id_ in range(2, 65):
        started(table, home=id_, eye=id_ + 500)
    assert table.to_backend("eye", "StopTransaction", stop(0), owner=False) == stop(500)
    assert table.to_backend("eye", "StopTransaction", stop(1), owner=False) == stop(-1)
    started(table, home=65)
    assert len(table.snapshot()) == 64
    assert table.to_backend("eye", "StopTransaction", stop(0), owner=False) == stop(-1)


def test_a_snapshot_brings_everything_back() -> None:
    table, again = TransactionIdTable(), TransactionIdTable()
    started(table, home=7, eye=900)
    table.end(b"7")
    table.begin()
    again.restore(table.snapshot())
    assert (
        again.snapshot()
        == table.snapshot()
        == [{"station": "7", "backends": {"home": "7", "eye": "900"}, "over": True}]
    )
    assert again.to_backend("eye", "StopTransaction", stop(7), owner=False) == stop(900)
