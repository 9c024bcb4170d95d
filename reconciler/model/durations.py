"""Durations as specs write them: `30s 5m 2h 72h`; seconds inside."""

import re
from typing import Final

from reconciler.model.diagnostics import InvalidValue

LONGEST_S: Final = 87_600 * 3600
"""Ten years: longer is a slip of the pen, and would leave the calendar."""

PATTERN: Final = r"^[0-9]{1,9}[smh]$"
_UNITS_S: Final = {"h": 3600, "m": 60, "s": 1}
HINT: Final = "a duration is a whole number and a unit: 30s, 5m, 2h or 72h"


def parse_duration(text: object) -> int:
    """Return the seconds that `text` ("5m") stands for; raises InvalidValue for anything else."""
    if not isinstance(text, str) or not re.fullmatch(PATTERN, text, re.ASCII):
        raise InvalidValue(f"{text!r} is not a duration", hint=HINT)
    seconds = int(text[:-1]) * _UNITS_S[text[-1]]
    if seconds > LONGEST_S:
        raise InvalidValue(f"{text!r} is longer than ten years", hint=HINT)
    return seconds


def format_duration(seconds: int) -> str:
    """Return the canonical text of `seconds`: the largest unit that divides it ("90s", "5m", "72h", "0s")."""
    for unit, unit_s in _UNITS_S.items():
        if seconds and seconds % unit_s == 0:
            return f"{seconds // unit_s}{unit}"
    return "0s"
