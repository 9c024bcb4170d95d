"""Ids that back-ends choose (R9)."""

from reconciler.relay.id_fields import COMMANDS, IdKind
from reconciler.relay.mapped_ids import MappedIds

RESERVATION = ((IdKind.RESERVATION, ("reservationId",)),)
CONTROL = ((IdKind.DER_CONTROL, ("controlId",)),)
PROFILES = COMMANDS["ocpp2.0.1"]["GetChargingProfiles"]


def test_an_id_that_nobody_else_uses_stays_as_it_is() -> None:
    ids = MappedIds()
    sent = b'{"connectorId": 1, "reservationId":7 }'
    assert ids.to_station("a", RESERVATION, sent) == (sent, True)
    assert ids.to_station("a", RESERVATION, sent) == (sent, False)
    assert ids.to_backend("a", RESERVATION, sent) == sent


def test_two_back_ends_with_the_same_id_never_meet() -> None:
    ids = MappedIds()
    ids.to_station("a", RESERVATION, b'{"reservationId":7}')
    assert ids.to_station("b", RESERVATION, b'{"reservationId": 7}') == (b'{"reservationId": 8}', True)
    assert ids.to_backend("b", RESERVATION, b'{"reservationId":8}') == b'{"reservationId":7}'
    assert ids.to_backend("a", RESERVATION, b'{"reservationId":7}') == b'{"reservationId":7}'


def test_another_back_ends_id_is_never_taken_for_ones_own() -> None:
    ids = MappedIds()
    ids.to_station("a", RESERVATION, b'{"reservationId":7}')
    ids.to_station("b", RESERVATION, b'{"reservationId":7}')  # 8 at the station
    assert ids.to_backend("b", RESERVATION, b'{"reservationId":7}') != b'{"reservationId":7}'
    assert ids.to_backend("a", RESERVATION, b'{"reservationId":8}') == b'{"reservationId":8}'


def test_an_alias_stays_the_same() -> None:
    ids = MappedIds()
    ids.to_station("a", RESERVATION, b'{"reservationId":7}')
    ids.to_station("b", RESERVATION, b'{"reservationId":7}')
    first = ids.to_backend("b", RESERVATION, b'{"reservationId":7}')
    assert ids.to_backend("b", RESERVATION, b'{"reservationId":7}') == first
    assert ids.to_station("b", RESERVATION, first) == (b'{"reservationId":7}', False)


def test_integers_beyond_64_bits_and_strings_are_ids_too() -> None:
    ids = MappedIds()
    big = b'{"reservationId":123456789012345678901234567890}'
    assert ids.to_station("a", RESERVATION, big) == (big, True)
    ids.to_station("a", CONTROL, b'{"controlId":"lim-1"}')
    assert ids.to_station("b", CONTROL, b'{"controlId":"lim-1"}')[0] == b'{"controlId":"lim-1-2"}'


def test_every_element_of_a_list_is_mapped() -> None:
    ids = MappedIds()
    ids.to_station("a", PROFILES, b'{"requestId":1,"chargingProfile":{"chargingProfileId":[5,6]}}')
    sent = b'{"requestId":1,"chargingProfile":{"chargingProfileId":[5, 6, 99]}}'
    mapped, minted = ids.to_station("b", PROFILES, sent)
    assert minted
    assert mapped == b'{"requestId":2,"chargingProfile":{"chargingProfileId":[8, 7, 99]}}'
    assert ids.to_backend("b", PROFILES, mapped) == sent


def test_the_table_survives_as_json() -> None:
    ids, restored = MappedIds(), MappedIds()
    ids.to_station("a", RESERVATION, b'{"reservationId":7}')
    ids.to_station("b", RESERVATION, b'{"reservationId":7}')
    restored.restore(ids.snapshot())
    assert restored.to_backend("b", RESERVATION, b'{"reservationId":8}') == b'{"reservationId":7}'


def test_the_table_is_bounded() -> None:
    ids = MappedIds()
    for number in range(1_000):
        ids.to_station("a", RESERVATION, b'{"reservationId":%d}' % number)
    assert len(ids.snapshot()["reservation"]) == 256
