"""How what fwdctl posts is signed, so that the receiver knows who posted it and when."""

import hashlib
import hmac
from typing import Final

SIGNATURE: Final = "Fwdctl-Signature"
"""The header's name."""


def signature(secret: bytes, at_s: int, content: bytes) -> str:
    """Return the value of the signature header for `content`, posted at `at_s` (seconds since the epoch)."""
    digest = hmac.new(secret, f"{at_s}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"
