"""Finding one value in a raw payload and replacing nothing but its bytes."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.relay.splice import find_value, replace_span


def found(payload: bytes, *path: str) -> bytes | None:
    span = find_value(payload, path)
    return payload[span[0] : span[1]] if span else None


def test_a_top_level_value_is_found_as_written() -> None:
    assert found(b'{"a":1.10, "transactionId" :  7 , "z":[]}', "transactionId") == b"7"


def test_a_value_of_any_scalar_type_is_found() -> None:
    for scalar in (b'"7"', b"-7", b"1e2", b"null", b"true", b'"a\\"b:{"', b"9" * 5000):
        assert found(b'{"transactionId":' + scalar + b"}", "transactionId") == scalar


def test_a_nested_value_is_found_by_its_path_only() -> None:
    payload = b'{"csChargingProfiles":{"chargingSchedule":{"transactionId":1},"transactionId":2},"transactionId":3}'
    assert found(payload, "csChargingProfiles", "transactionId") == b"2"
    assert found(payload, "transactionId") == b"3"


def test_the_same_name_elsewhere_is_not_taken() -> None:
    assert found(b'{"meterValue":[{"transactionId":1}],"customData":{"transactionId":2}}', "transactionId") is None
    assert found(b'{"note":"\\"transactionId\\":5","b":"transactionId"}', "transactionId") is None
    assert found(b'["transactionId",1]', "transactionId") is None


def test_an_object_or_array_is_no_scalar() -> None:
    assert found(b'{"transactionId":{"a":1}}', "transactionId") is None
    assert found(b'{"transactionId":[7]}', "transactionId") is None


def test_absent_and_empty_payloads_have_nothing() -> None:
    assert found(b"{}", "transactionId") is None
    assert found(b"null", "transactionId") is None


def test_depth_does_not_matter() -> None:
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    assert found(b'{"x":' + deep + b',"transactionId":7}', "transactionId") == b"7"


def test_replacing_touches_no_other_byte() -> None:
    payload = b'{"value": 1.10, "transactionId"\n:\t7, "u":"\xc3\xa9", "n":1e2}'
    span = find_value(payload, ("transactionId",))
    assert span is not None
    assert replace_span(payload, span, b"900") == b'{"value": 1.10, "transactionId"\n:\t900, "u":"\xc3\xa9", "n":1e2}'


text = st.text(alphabet='a"\\{}[]:,é ', max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(st.sampled_from(["transactionId", "a", "csChargingProfiles", "é"]), json_values), st.booleans())
def test_it_agrees_with_a_json_parser(value: dict[str, object], spaced: bool) -> None:
    payload = json.dumps(value, indent=1 if spaced else None, ensure_ascii=not spaced).encode()
    got, want = found(payload, "transactionId"), value.get("transactionId")
    if "transactionId" not in value or isinstance(want, dict | list):
        assert got is None
    else:
        assert got is not None
        assert json.loads(got) == want
