"""The identity in a URL: both directions agree, and what could lead elsewhere is refused."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.websocket.identity import BadIdentity, csms_url, identity_in_path

IDENTITIES = st.text(min_size=1, max_size=255).filter(lambda text: text.isprintable() and text.strip(" .") != "")


@given(identity=IDENTITIES, base=st.sampled_from(["", "/", "/ocpp", "/ocpp/", "/a/b?tenant=x/y"]))
def test_an_identity_survives_the_way_through_a_url(identity: str, base: str) -> None:
    parts = urlsplit(csms_url(f"wss://csms.example:8443{base}", identity))
    assert parts.netloc == "csms.example:8443"
    assert identity_in_path(f"{parts.path}?{parts.query}") == identity


@given(st.text(max_size=300))
def test_any_path_gives_a_printable_identity_or_is_refused(path: str) -> None:
    try:
        identity = identity_in_path(path)
    except BadIdentity:
        return
    assert identity.isprintable()
    assert 0 < len(identity) <= 255


def test_a_decoded_percent_sign_is_not_decoded_again() -> None:
    assert identity_in_path("/ocpp/a%252Fb") == "a%2Fb"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("//", "the path names no charging station"),
        ("/%C3", "the identity is not UTF-8"),
        ("/" + "%41" * 256, "the identity is longer than 255 characters"),
        ("/a%7Fb", "the identity holds characters that can't be printed"),
        ("/a%E2%80%AEb", "the identity holds characters that can't be printed"),  # turns the text's direction
        ("/ocpp/%2e.", "the identity holds nothing but dots and spaces"),
    ],
)
def test_a_refusal_says_why(path: str, why: str) -> None:
    with pytest.raises(BadIdentity, match=f"^{why}$"):
        identity_in_path(path)
