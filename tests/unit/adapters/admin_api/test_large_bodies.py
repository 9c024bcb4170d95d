"""Large bodies say what they say, read whole or in pieces; what is broken is told as before."""

import json

import pytest

from reconciler.adapters.admin_api.large_bodies import AT_ONCE, read_in_pieces


@pytest.mark.parametrize(
    "text",
    [
        '{"documents": [{"content": {"a": [1, 2.50, null, "caff\\u00e8"]}}, {}], "prune": true, "more": []}',
        '{"twice": 1, "twice": 2}',
        '{"huge": 123456789012345678901234567890, "small": 1e-400}',
        '{"odd": [NaN, -Infinity]}',
        '["no", "object"]',
        "7",
        json.dumps({"documents": [{"number": number} for number in range(2 * AT_ONCE + 1)]}),
    ],
)
def test_a_body_is_what_it_would_be_read_whole(text: str) -> None:
    assert repr(read_in_pieces(text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", '{"a": [1, }', '{"a": [{"b": tru}]}', '{"a": 1} {}'])
def test_a_broken_one_is_told_of_with_its_place(text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as whole:
        json.loads(text)
    with pytest.raises(json.JSONDecodeError) as pieces:
        read_in_pieces(text.encode())
    assert (pieces.value.msg, pieces.value.pos) == (whole.value.msg, whole.value.pos)
