"""What the CSMS reads from a handshake."""

import base64

import pytest

from reconciler.testing.handshake import authentic, chosen_version, identity_in


@pytest.mark.parametrize(
    ("path", "identity"),
    [("/ocpp/CP-1", "CP-1"), ("/RDAM%7C1%202", "RDAM|1 2"), ("//x//CP/", "CP"), ("/ocpp/A?b=/c", "A"), ("/", "")],
)
def test_the_identity_is_the_last_segment_decoded(path: str, identity: str) -> None:
    assert identity_in(path) == identity


def test_the_stations_order_of_versions_decides() -> None:
    assert chosen_version(["ocpp2.0.1", "ocpp1.6"], ["ocpp1.6", "ocpp2.0.1"]) == "ocpp2.0.1"
    assert chosen_version(["ocpp2.1"], ["ocpp1.6"]) is None


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


@pytest.mark.parametrize(
    ("header", "let_in"),
    [
        (basic(b"CP:se:cret"), True),
        (basic(b"CP:wrong"), False),
        (basic(b"Other:se:cret"), False),
        ("Bearer x", False),
        ("Basic ***", False),
        (None, False),
    ],
)
def test_the_password_belongs_to_the_identity_and_may_hold_colons(header: str | None, let_in: bool) -> None:
    assert authentic("CP", header, "se:cret") is let_in
    assert authentic("CP", header, {"CP": b"se:cret"}) is let_in
    assert not authentic("CP", header, {"Other": "se:cret"})
    assert authentic("CP", header, None)


def test_a_password_may_be_any_bytes() -> None:
    assert authentic("AL1000", basic(b"AL1000:\x00\x01\xff"), b"\x00\x01\xff")
