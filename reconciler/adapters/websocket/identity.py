"""Where a charging station's identity sits in a URL: read it from a request's path, add it to a CSMS's URL."""

from typing import Final
from urllib.parse import quote, unquote, urlsplit

MAX_IDENTITY_CHARS: Final = 255
"""OCPP 2.x allows 48; 1.6 says nothing, and a bound there must be."""


class BadIdentity(ValueError):
    """Raised when a path names no usable identity; says why in words fit for the HTTP answer."""


def identity_in_path(path: str) -> str:
    """Return the last non-empty segment of a request's path, percent-decoded once. Raises BadIdentity."""
    segments = [segment for segment in path.partition("?")[0].split("/") if segment]
    if not segments:
        raise BadIdentity("the path names no charging station")
    try:
        identity = unquote(segments[-1], errors="strict")
    except UnicodeDecodeError as error:
        raise BadIdentity("the identity is not UTF-8") from error
    if len(identity) > MAX_IDENTITY_CHARS:
        raise BadIdentity(f"the identity is longer than {MAX_IDENTITY_CHARS} characters")
    if not identity.isprintable():
        raise BadIdentity("the identity holds characters that can't be printed")
    if identity.strip(" .") == "":  # "..", as part of a URL or a file name, would lead elsewhere
        raise BadIdentity("the identity holds nothing but dots and spaces")
    return identity


def csms_url(base: str, identity: str) -> str:
    """Return `base` + "/" + the percent-encoded identity, as OCPP-J has it; a query of `base` stays behind it."""
    parts = urlsplit(base)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{quote(identity, safe='')}").geturl()
