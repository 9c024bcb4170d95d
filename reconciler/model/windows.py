"""Windows: stretches of time that open once or again and again, half-open and right across daylight-saving changes."""

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from cronsim import CronSim, CronSimError

from reconciler.model.diagnostics import InvalidValue

START_PATTERN: Final = r"^2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?$"

_ANCHOR: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""Where the search for a first opening begins; any year does, a cron expression has no date."""


class Window(msgspec.Struct, frozen=True):
    """Open during `[opening, opening + duration_s)`, for each of its openings.

    Either one opening at `start` (aware), or one whenever the wall clock of the IANA zone `zone` matches `cron`
    (five fields, as Debian's cron reads them). An opening that falls into the hour which daylight saving skips
    happens right after it; one in the hour which comes twice happens the first time only, unless it is hourly.
    """

    duration_s: int
    start: datetime | None = None
    cron: str = ""
    zone: str = "UTC"

    def next_opening(self, after: datetime) -> datetime | None:
        """Return the first opening later than `after` (aware), in UTC, or None where there is none."""
        if self.start is not None:
            return self.start if self.start > after else None
        for local in CronSim(self.cron, after.astimezone(ZoneInfo(self.zone))):
            opening = local.astimezone(UTC)
            if opening > after:  # in the hour that comes twice the wall clock alone would go back
                return opening
        return None

    def holds_at(self, now: datetime) -> bool:
        """Return True where the window is open at `now` (aware)."""
        opening = self.next_opening(now - timedelta(seconds=self.duration_s))
        return opening is not None and opening <= now


def one_off(start: str, zone: str | None, duration_s: int) -> Window:
    """Return the window that opens once, at the local time `start` of `zone`, or at the instant its offset says.

    Raises InvalidValue for no time, a time without zone, and a local time that daylight saving skips.
    """
    moment = parse_start(start)
    if moment.tzinfo is not None:
        return Window(duration_s, start=moment.astimezone(UTC), zone=zone or "UTC")
    if zone is None:
        raise InvalidValue(
            f"the window starts at {start}, but in which time zone?",
            hint="add timeZone: an IANA name such as Europe/Rome, or UTC",
        )
    opening = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    if opening.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment:
        raise InvalidValue(
            f"the window never opens: {start} does not exist in {zone}, its clocks go forward over it",
            hint="choose a start before or after the skipped hour",
        )
    return Window(duration_s, start=opening, zone=zone)


def recurring(cron: str, zone: str | None, duration_s: int) -> Window:
    """Return the window that opens whenever `cron` matches in `zone`.

    Raises InvalidValue for a window without zone, and one that never opens.
    """
    check_cron(cron)
    if zone is None:
        raise InvalidValue(
            f"the window opens at {cron!r}, but in which time zone?",
            hint="add timeZone: an IANA name such as Europe/Rome, or UTC",
        )
    window = Window(duration_s, cron=cron, zone=zone)
    if window.next_opening(_ANCHOR) is None:
        raise _never_opens(cron)
    return window


def parse_start(text: str) -> datetime:
    """Return the time that `text` writes, naive where it has no offset; raises InvalidValue."""
    hint = "write it as 2026-12-01T02:00, with or without an offset such as Z or +01:00"
    if not re.fullmatch(START_PATTERN, text, re.ASCII):
        raise InvalidValue(f"{text!r} is not a time", hint=hint)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(f"{text!r} is not a time: {error}", hint=hint) from error


def check_cron(expression: str) -> None:
    """Raise InvalidValue where `expression` is not five fields of cron."""
    hint = 'five fields: minute, hour, day of month, month, day of week; for example "0 2 * * sun"'
    if len(expression) > 200 or len(expression.split()) != 5:
        raise InvalidValue(f"{expression!r} is not a cron expression of five fields", hint=hint)
    try:
        CronSim(expression, _ANCHOR)
    except CronSimError as error:
        if _days_missing(expression):
            raise _never_opens(expression) from error
        field = str(error).removeprefix("Bad ")
        raise InvalidValue(f"{expression!r} is not a cron expression: its {field} is wrong", hint=hint) from error
    except (ValueError, TypeError, AssertionError) as error:
        raise InvalidValue(f"{expression!r} is not a cron expression", hint=hint) from error


def check_zone(name: str) -> None:
    """Raise InvalidValue where `name` is no IANA time zone."""
    known = available_timezones()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise InvalidValue(
            f"{name!r} is not a time zone",
            hint=f"did you mean {near[0]}?" if near else "use an IANA name such as Europe/Rome, or UTC",
        )


def _days_missing(expression: str) -> bool:
    """True where the only fault is that no month of `expression` has such a day (31 June)."""
    minute, hour, day, _, weekday = expression.split()
    try:
        CronSim(" ".join((minute, hour, day, "*", weekday)), _ANCHOR)
        CronSim(" ".join((minute, hour, "*", expression.split()[3], weekday)), _ANCHOR)
    except (CronSimError, ValueError, TypeError, AssertionError):
        return False
    return True


def _never_opens(cron: str) -> InvalidValue:
    return InvalidValue(f"the window never opens: no date matches {cron!r}", hint="check its day of month and month")
