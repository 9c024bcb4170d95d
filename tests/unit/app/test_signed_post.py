"""The signature of what is posted."""

import hashlib
import hmac

from reconciler.app.signed_post import signature


def test_it_is_an_hmac_of_time_and_body() -> None:
    expected = hmac.new(b"shared", b'7.{"a":1}', hashlib.sha256).hexdigest()
    assert signature(b"shared", 7, b'{"a":1}') == f"t=7,v1={expected}"
