"""Envelopes: what is read, what is refused, and that nothing but the id (and a mapped payload) ever changes."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.relay.envelope import (
    DEPTH_MAX,
    Frame,
    Kind,
    Malformed,
    UnknownType,
    call,
    call_error,
    call_result,
    quoted,
    read_frame,
)

ODD = '  [ 2 ,\t"19" , "MeterValues",{"value": 1.10, "u":"é", "n":1e2 , "transactionId" : 7} ]\n'.encode()


def frame(raw: bytes | str) -> Frame:
    read = read_frame(raw.encode() if isinstance(raw, str) else raw)
    assert isinstance(read, Frame), vars_of(read)
    return read


def vars_of(read: Frame | Malformed | UnknownType) -> str:
    return f"{type(read).__name__} {getattr(read, 'reason', '')}"


@pytest.mark.parametrize(
    ("raw", "kind", "action", "payload"),
    [
        ('[2,"1","Heartbeat",{}]', Kind.CALL, "Heartbeat", b"{}"),
        ('[3,"1",{"a":1}]', Kind.CALLRESULT, "", b'{"a":1}'),
        ('[4,"1","InternalError","",{}]', Kind.CALLERROR, "", b"{}"),
        ('[4,"1","InternalError"]', Kind.CALLERROR, "", b""),
        ('[5,"1","FormatViolation","why",{}]', Kind.CALLRESULTERROR, "", b"{}"),
        ('[6,"1","NotifyPeriodicEventStream",{"id":1}]', Kind.SEND, "NotifyPeriodicEventStream", b'{"id":1}'),
        ('[2,"1","Heartbeat",null]', Kind.CALL, "Heartbeat", b"null"),
    ],
)
def test_every_message_type_is_read(raw: str, kind: Kind, action: str, payload: bytes) -> None:
    read = frame(raw)
    assert (read.kind, read.action, bytes(read.payload), read.signed) == (kind, action, payload, False)


def test_a_signed_call_is_read_as_its_action() -> None:
    read = frame('[2,"1",{"alg":"ES256"},"MeterValues-Signed",{"payload":"x"}]')
    assert (read.action, read.signed, bytes(read.payload)) == ("MeterValues", True, b'{"payload":"x"}')


def test_a_signed_answer_is_read() -> None:
    read = frame('[3,"1",{"alg":"ES256"},{"payload":"x"}]')
    assert (read.signed, bytes(read.payload)) == (True, b'{"payload":"x"}')


@pytest.mark.parametrize(
    "token", ["7", "-1", "null", "1.50", "true", '""', f'"{"x" * 5000}"', '"\\u00e9\\n\\"q"', '"é"']
)
def test_odd_ids_are_kept_as_written(token: str) -> None:
    read = frame(f'[2, {token} ,"Heartbeat",{{}}]')
    assert read.id_token == token.encode()
    assert read.with_id(b'"r1"') == b'[2, "r1" ,"Heartbeat",{}]'
    assert frame(read.with_id(b'"r1"')).with_id(read.id_token) == read.raw


def test_an_odd_id_never_equals_a_string_id() -> None:
    assert len({frame(f'[2,{token},"A",{{}}]').id for token in ('"7"', "7", "null", '"null"')}) == 4


def test_the_same_id_in_another_spelling_is_the_same_id() -> None:
    assert frame(r'[2,"\u0061","A",{}]').id == frame('[2,"a","A",{}]').id


def test_a_new_id_changes_no_other_byte() -> None:
    assert frame(ODD).with_id(b'"r1"') == ODD.replace(b'"19"', b'"r1"')


def test_an_id_that_looks_like_the_type_or_the_payload_is_found_in_its_place() -> None:
    assert frame('[2,2,"A",{"a":2}]').with_id(b'"r1"') == b'[2,"r1","A",{"a":2}]'
    assert frame('[3,"x",{"a":"x"}]').with_id(b"5") == b'[3,5,{"a":"x"}]'


def test_a_new_payload_changes_no_other_byte() -> None:
    read = frame(ODD)
    payload = bytes(read.payload).replace(b"7}", b"900}")
    assert read.rewritten(b'"r1"', payload) == ODD.replace(b'"19"', b'"r1"').replace(b"7}", b"900}")
    assert read.rewritten(read.id_token, bytes(read.payload)) == ODD


def test_what_stands_behind_the_payload_is_not_taken_for_it() -> None:
    read = frame('[3,"1",{"a":1},{"b":1}]')
    assert read.signed
    extra = frame('[2,"1","A",{"a":1},{"a":1}]')
    assert extra.rewritten(b'"1"', b"{}") == b'[2,"1","A",{},{"a":1}]'


@pytest.mark.parametrize(
    ("raw", "kind", "id_token"),
    [
        ("", None, None),
        ("   ", None, None),
        ("hello", None, None),
        ("{}", None, None),
        ("[]", None, None),
        ("[2]", None, None),
        ('["2","1","Heartbeat",{}]', None, None),
        ('[2.0,"1","Heartbeat",{}]', None, None),
        ('[true,"1","Heartbeat",{}]', None, None),
        ('[-2,"1","Heartbeat",{}]', None, None),
        ('\ufeff[2,"1","Heartbeat",{}]', None, None),
        ("[" * 100_000, None, None),
        ('[2,"1"', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat"', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat",{}', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat",{}] x', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat",{"a":01}]', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat",{a:1}]', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat",{"a":NaN}]', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat",{"a":"\n"}]', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat",[]]', Kind.CALL, b'"1"'),
        ('[2,"1","Heartbeat"]', Kind.CALL, b'"1"'),
        ('[2,"1",5,{}]', Kind.CALL, b'"1"'),
        ("[2,7,5,{}]", Kind.CALL, b"7"),
        ('[2,"1",{"alg":"x"},"MeterValues",{}]', Kind.CALL, b'"1"'),
        ('[2,"1","\\ud800",{}]', Kind.CALL, b'"1"'),
        ('[2,"1","A",' + '{"a":' * 100_000, Kind.CALL, b'"1"'),
        ('[3,"1","x"]', Kind.CALLRESULT, b'"1"'),
        ('[3,"1"', Kind.CALLRESULT, b'"1"'),
        ('[4,"1",5,"",{}]', Kind.CALLERROR, b'"1"'),
        ('[6,"1"]', Kind.SEND, b'"1"'),
    ],
)
def test_the_malformed_zoo(raw: str, kind: Kind | None, id_token: bytes | None) -> None:
    read = read_frame(raw.encode())
    assert isinstance(read, Malformed)
    assert (read.kind, read.id_token) == (kind, id_token)
    assert read.reason


@pytest.mark.parametrize("raw", ['[2,"a\nb","A",{}]', '[2,"\\q","A",{}]', '[2,"\\ud800","A",{}]', '[2,"a\nb"'])
def test_an_id_that_is_no_json_is_not_echoed(raw: str) -> None:
    read = read_frame(raw.encode())
    assert isinstance(read, Malformed)
    assert (read.kind, read.id_token) == (Kind.CALL, None)


def test_bytes_that_are_no_utf8_do_no_harm() -> None:
    read = read_frame(b'[2,"\xff","A",{}]')
    assert isinstance(read, Malformed)
    assert read.id_token is None
    assert isinstance(read_frame(b"\xff\xfe"), Malformed)


@pytest.mark.parametrize("raw", ['[7,"1"]', '[99,"1","x",{}]', "[0,5]"])
def test_an_unknown_type_is_told_from_nonsense(raw: str) -> None:
    assert isinstance(read_frame(raw.encode()), UnknownType)


def test_the_relays_own_frames_are_valid_json() -> None:
    assert json.loads(call(b'"r1"', "Heartbeat", b"{}")) == [2, "r1", "Heartbeat", {}]
    assert json.loads(call_result(b"7", b'{"status":"Rejected"}')) == [3, 7, {"status": "Rejected"}]
    assert json.loads(call_error(b'"1"', "InternalError", 'a "quoted" é')) == [
        4,
        "1",
        "InternalError",
        'a "quoted" é',
        {},
    ]
    assert json.loads(quoted("\x00é")) == "\x00é"


def test_an_error_description_is_cut_to_what_ocpp_allows() -> None:
    assert len(json.loads(call_error(b'"1"', "InternalError", "x" * 1000))[3]) == 255


WORDS = ["null", '"1"', '"Heartbeat"', "{}", "\\u12", "é", "-Signed"]
pieces = st.sampled_from([*'[]{},:"\\ \n0123456-.e', *WORDS])


@settings(derandomize=True, deadline=None)
@given(st.lists(pieces, max_size=30).map("".join).map(str.encode) | st.binary(max_size=60))
@example(b'[2,"1","A",{"a":"\xff"}]')
def test_reading_never_raises_and_never_guesses(raw: bytes) -> None:
    read = read_frame(raw)
    if isinstance(read, Frame):
        assert read.with_id(read.id_token) == raw
        assert isinstance(read_frame(read.with_id(b'"r1"')), Frame)
    elif isinstance(read, Malformed) and read.id_token is not None:
        json.loads(read.id_token)


@pytest.mark.parametrize("text", [r"\ud800", r"\udc00", r"\udc00\ud800", r"\ud800x"])
@pytest.mark.parametrize(
    "frame", ['[2,"1","DataTransfer",{{"data":"{}"}}]', '[3,"1",{{"{}":1}}]', '[2,"{}","Reset",{{}}]']
)
def test_half_a_surrogate_pair_is_no_text_and_goes_no_further(frame: str, text: str) -> None:
    assert isinstance(read_frame(frame.format(text).encode()), Malformed)
    assert isinstance(read_frame(frame.format(r"\ud83d\ude00").encode()), Frame)


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]", *, before: bytes = b"") -> bytes:
    """Return a CALL that nests `depth` deep, two of that its own array and payload."""
    return b'[2,"x1","A",{%b"x":%b1%b}]' % (before, opening * (depth - 2), closing * (depth - 2))


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_r16_how_deep_a_frame_may_nest_is_a_number_and_not_the_interpreters(opening: bytes, closing: bytes) -> None:
    assert isinstance(read_frame(nested(DEPTH_MAX, opening, closing)), Frame)
    deeper = read_frame(nested(DEPTH_MAX + 1, opening, closing))
    assert isinstance(deeper, Malformed)
    assert (deeper.kind, deeper.id_token, deeper.reason) == (Kind.CALL, b'"x1"', "nested more than 128 deep")


@pytest.mark.parametrize(
    "before", [b'"s":"[[{\\"[[\\\\",' * 200, b'"a":[],"b":{},' * 200], ids=["in texts", "side by side"]
)
def test_brackets_in_texts_and_side_by_side_do_not_nest(before: bytes) -> None:
    assert isinstance(read_frame(nested(DEPTH_MAX, before=before)), Frame)
    assert isinstance(read_frame(nested(DEPTH_MAX + 1, before=before)), Malformed)


def test_r16_a_text_that_never_ends_is_looked_at_once() -> None:
    """One look for each of its quotes would take hours."""
    raw = b'[2,"x1","A",' + b"[" * (DEPTH_MAX + 1) + b'"' + b'\\"' * 500_000
    assert isinstance(read_frame(raw), Malformed)
