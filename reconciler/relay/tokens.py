"""Reading which id token an Authorize accepted, in any version."""

from typing import Final

import msgspec

from reconciler.relay.envelope import UNREADABLE


class _Token(msgspec.Struct, gc=False, frozen=True):
    idToken: str = ""


class _Request(msgspec.Struct, gc=False):
    idTag: str = ""
    idToken: _Token = _Token()


class _Info(msgspec.Struct, gc=False, frozen=True):
    status: str = ""


class _Answer(msgspec.Struct, gc=False):
    idTagInfo: _Info = _Info()
    idTokenInfo: _Info = _Info()


_REQUEST: Final = msgspec.json.Decoder(_Request)
_ANSWER: Final = msgspec.json.Decoder(_Answer)


def accepted_token(asked: bytes, answered: bytes) -> str | None:
    """Return the token of an Authorize payload where the answer's payload accepts it, else None."""
    try:
        request, answer = _REQUEST.decode(asked), _ANSWER.decode(answered)
    except UNREADABLE:
        return None
    accepted = "Accepted" in (answer.idTagInfo.status, answer.idTokenInfo.status)
    return (request.idTag or request.idToken.idToken or None) if accepted else None
