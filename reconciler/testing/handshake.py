"""What a simulated CSMS reads from a handshake: who is it, with which versions, and with the right password?"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any, TypeAlias
from urllib.parse import unquote

Password: TypeAlias = str | bytes | Mapping[str, str | bytes] | None
"""One password for all, or identity -> password, or None: no authentication."""


def identity_in(path: str) -> str:
    """Return the last segment of a request's path, percent-decoded; "" where there is none."""
    return unquote(path.partition("?")[0].rstrip("/").rpartition("/")[2])


def chosen_version(offered: Sequence[str], spoken: Sequence[str]) -> str | None:
    """Return the first version in the station's order of preference that the CSMS speaks."""
    return next((version for version in offered if version in spoken), None)


def authentic(identity: str, authorization: str | None, password: Password) -> bool:
    """Whether the Authorization header says that this is `identity`, with its password."""
    expected = password.get(identity) if isinstance(password, Mapping) else password
    if password is None:
        return True
    if expected is None or authorization is None or not authorization.lower().startswith("basic "):
        return False
    try:
        credentials = base64.b64decode(authorization[6:].strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    secret = expected.encode() if isinstance(expected, str) else expected
    # Bytes throughout: passwords of 1.6 need not be text, and may hold colons.
    return compare_digest(credentials, identity.encode() + b":" + secret)


def shown_name(certificate: Mapping[str, Any] | None) -> str | None:
    """Return the CN of a peer's verified certificate, as `ssl` reads it; None where it showed none."""
    subject = certificate.get("subject", ()) if certificate else ()
    return next((value for part in subject for name, value in part if name == "commonName"), None)
