"""Passwords that a back-end sets: which are taken, and how they can be read (facts: ocpp.md 4.2).

1.6 carries AuthorizationKey as up to 40 hexadecimal digits of 16 to 20 bytes, and many back-ends send it plain. What is
hexadecimal is first taken as that, then as it is written: the one with which the leg registers counts. 2.x has plain
text only, of a named alphabet.
"""

import re
from typing import Final

_HEX: Final = re.compile(r"([0-9A-Fa-f]{2}){16,20}")
_PLAIN_16: Final = re.compile(r"[\x20-\x7e]{16,40}")
_PASSWORD_STRING: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{16,64}")


def readings(version: str, value: object) -> tuple[bytes, ...]:
    """Return the passwords that `value` may stand for, the likeliest first; () where no charger would take it."""
    if not isinstance(value, str):
        return ()
    if version != "ocpp1.6":
        return (value.encode(),) if _PASSWORD_STRING.fullmatch(value) else ()
    if _HEX.fullmatch(value):
        return bytes.fromhex(value), value.encode()
    return (value.encode(),) if _PLAIN_16.fullmatch(value) else ()
