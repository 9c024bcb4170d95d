"""Secrets among settings: their values never reach results, history or the store."""

import re
from typing import Final

_SECRET: Final = re.compile(r"auth.*key|password|passwd|secret|token|private.?key|\bpin\b|apn.*(user|pass)", re.I)
HIDDEN: Final = "(hidden)"


def is_secret(name: str) -> bool:
    """Return True for the name of a setting whose value is nobody's business, for example AuthorizationKey."""
    return _SECRET.search(name) is not None


def shown(name: str, value: str | None) -> str | None:
    """Return the value of a setting as it may be shown."""
    return HIDDEN if value and is_secret(name) else value
