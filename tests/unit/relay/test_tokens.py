"""Which id token an Authorize accepted."""

import pytest

from reconciler.relay.tokens import accepted_token

ACCEPTED_16 = b'{"idTagInfo":{"status":"Accepted"}}'
ACCEPTED_2X = b'{"idTokenInfo":{"status":"Accepted"}}'


def test_an_accepted_token_is_read_in_every_version() -> None:
    assert accepted_token(b'{"idTag":"04A1"}', ACCEPTED_16) == "04A1"
    assert accepted_token(b'{"idToken":{"idToken":"04A1","type":"ISO14443"}}', ACCEPTED_2X) == "04A1"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b'{"idTag":"04A1"}', b'{"idTagInfo":{"status":"Blocked"}}'),
        (b'{"idTag":"04A1"}', b"{}"),
        (b'{"idTag":5}', ACCEPTED_16),
        (b'{"idTag":"04A1"}', b'{"idTagInfo":"Accepted"}'),
        (b"{}", ACCEPTED_16),
        (b"null", ACCEPTED_16),
    ],
)
def test_anything_else_accepts_nothing(asked: bytes, answered: bytes) -> None:
    assert accepted_token(asked, answered) is None
