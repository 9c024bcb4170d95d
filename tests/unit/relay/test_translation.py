"""The four ways a payload goes, with the ids the receiver knows (R9)."""

import pytest

from reconciler.relay import translation
from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.memory import SessionMemory


def frame(text: str) -> Frame:
    read = read_frame(text.encode())
    assert isinstance(read, Frame)
    return read


@pytest.fixture
def memory() -> SessionMemory:
    made = SessionMemory()
    made.use_version("ocpp1.6")
    return made


def test_a_command_that_brings_a_new_id_waits_for_it_to_be_kept(memory: SessionMemory) -> None:
    reserve = frame('[2,"1","ReserveNow",{"connectorId":1,"reservationId":7}]')
    assert translation.command(memory, "a", reserve) == (b'{"connectorId":1,"reservationId":7}', True)
    assert translation.command(memory, "a", frame('[2,"2","Reset",{"type":"Soft"}]')) == (b'{"type":"Soft"}', False)


def test_a_call_without_ids_is_not_even_read(memory: SessionMemory) -> None:
    assert translation.call(memory, "a", frame('[2,"1","Heartbeat",{}]'), owner=True) is None


def test_a_station_call_carries_both_kinds_of_ids(memory: SessionMemory) -> None:
    translation.command(memory, "a", frame('[2,"1","ReserveNow",{"reservationId":7}]'))
    translation.command(memory, "b", frame('[2,"1","ReserveNow",{"reservationId":7}]'))
    start = frame('[2,"1","StartTransaction",{"connectorId":1,"reservationId":8}]')
    assert translation.call(memory, "b", start, owner=True) == b'{"connectorId":1,"reservationId":7}'


def test_a_list_that_the_station_accepted_is_the_back_ends_own(memory: SessionMemory) -> None:
    send = frame('[2,"1","SendLocalList",{"listVersion":3,"updateType":"Full"}]')
    sent, _ = translation.command(memory, "a", send)
    assert translation.command_answer(memory, "a", send, sent, frame('[3,"1",{"status":"Accepted"}]')) is None
    get = frame('[2,"2","GetLocalListVersion",{}]')
    answer = frame('[3,"2",{"listVersion":3}]')
    assert translation.command_answer(memory, "a", get, b"{}", answer) == b'{"listVersion":3}'
    assert translation.command_answer(memory, "b", get, b"{}", answer) == b'{"listVersion":0}'


def test_a_tariff_in_an_answer_is_mapped_down(memory: SessionMemory) -> None:
    memory.use_version("ocpp2.1")
    answer = b'{"idTokenInfo":{"status":"Accepted"},"tariff":{"tariffId":"night"}}'
    assert translation.call_answer(memory, "a", "Authorize", answer) == (answer, True)
    mapped, minted = translation.call_answer(memory, "b", "Authorize", answer)
    assert (mapped, minted) == (answer.replace(b'"night"', b'"night-2"'), True)


def test_signed_frames_are_never_touched(memory: SessionMemory) -> None:
    memory.use_version("ocpp2.0.1")
    signed = frame('[2,"1",{"alg":"ES256"},"ReserveNow-Signed",{"payload":"eyJpZCI6N30"}]')
    assert translation.command(memory, "a", signed) == (b'{"payload":"eyJpZCI6N30"}', False)
    assert translation.call(memory, "a", signed, owner=True) is None
