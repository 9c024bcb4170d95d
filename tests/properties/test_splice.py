"""Fuzzing the envelope reader and the splicer: nothing raises, and no byte changes but those that are meant to (R1)."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.splice import ELEMENT, find_members, find_values, replace_span, with_members

SETTINGS = settings(derandomize=True, database=None, deadline=None, max_examples=400)
KEYS = st.sampled_from(["id", "transactionId", "a", "customData", 'q"uote', "back\\slash", "é", "[]"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | KEYS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)
SPACES = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:  ")])
PATHS = st.lists(st.sampled_from(["id", "transactionId", "a", "customData", ELEMENT]), min_size=1, max_size=3)


def written(value: Any, spaces: tuple[str, str], *, ascii_only: bool) -> bytes:
    return json.dumps(value, separators=spaces, ensure_ascii=ascii_only).encode()


def scalars_at(value: Any, path: list[str]) -> list[Any]:
    """Return what a reader who parses everything finds at `path`."""
    if not path:
        return [] if isinstance(value, dict | list) else [value]
    if path[0] == ELEMENT:
        inner = value if isinstance(value, list) else []
        return [found for item in inner for found in scalars_at(item, path[1:])]
    return scalars_at(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


@SETTINGS
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(raw: bytes) -> None:
    read_frame(raw)


@SETTINGS
@given(OBJECTS, SPACES, st.booleans(), st.text(max_size=40), st.text(min_size=1, max_size=36))
def test_renaming_a_frame_changes_its_id_and_nothing_else(
    payload: dict[str, Any], spaces: tuple[str, str], ascii_only: bool, old: str, new: str
) -> None:
    body = written(payload, spaces, ascii_only=ascii_only)
    old_token, new_token = json.dumps(old).encode(), json.dumps(new).encode()
    raw = b' [2 , %b,"Heartbeat" ,%b ] ' % (old_token, body)
    frame = read_frame(raw)
    if isinstance(frame, Frame):  # a lone surrogate is not text
        assert frame.with_id(new_token) == b' [2 , %b,"Heartbeat" ,%b ] ' % (new_token, body)
        assert frame.rewritten(new_token, b"{}") == b' [2 , %b,"Heartbeat" ,{} ] ' % new_token


@SETTINGS
@given(OBJECTS, SPACES, st.booleans(), PATHS)
def test_what_the_splicer_finds_is_what_a_parser_finds(
    payload: dict[str, Any], spaces: tuple[str, str], ascii_only: bool, path: list[str]
) -> None:
    body = written(payload, spaces, ascii_only=ascii_only)
    found = [json.loads(body[start:end]) for start, end in find_values(body, path)]
    assert found == scalars_at(payload, path)


@SETTINGS
@given(OBJECTS, SPACES, PATHS)
def test_a_splice_changes_no_byte_outside_its_span(
    payload: dict[str, Any], spaces: tuple[str, str], path: list[str]
) -> None:
    body = written(payload, spaces, ascii_only=True)
    for start, end in find_values(body, path):
        spliced = replace_span(body, (start, end), b"424242")
        assert spliced[:start] == body[:start]
        assert spliced[start + 6 :] == body[end:]
        assert json.loads(spliced) != Ellipsis


@SETTINGS
@given(OBJECTS, SPACES, st.dictionaries(st.sampled_from(["id", "a", "new"]), st.none() | st.integers(), max_size=3))
def test_members_are_set_added_and_removed_and_all_others_keep_their_bytes(
    payload: dict[str, Any], spaces: tuple[str, str], wanted: dict[str, int | None]
) -> None:
    body = written(payload, spaces, ascii_only=True)
    raw = {key: None if value is None else str(value).encode() for key, value in wanted.items()}
    result = with_members(body, raw)
    expected = {key: value for key, value in payload.items() if key not in wanted}
    expected |= {key: value for key, value in wanted.items() if value is not None}
    assert json.loads(result) == expected
    kept = set(payload) - set(wanted)
    for key, (_, start, end) in find_members(body, kept).items():
        again = find_members(result, {key})[key]
        assert result[again[1] : again[2]] == body[start:end]
