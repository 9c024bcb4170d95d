"""The words of a notice: what a partner's person on duty reads, in their own time zone or the outage's."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from reconciler.model.notices import NoticeKind, OutageNotice

_NAMED_MAX: Final = 40
"""Chargers named in the text; the webhook's JSON names all."""

_HEADLINES: Final = {
    NoticeKind.BEFORE: "Planned outage",
    NoticeKind.START: "Outage has begun",
    NoticeKind.END: "Outage is over",
    NoticeKind.CHANGED: "Planned outage changed",
    NoticeKind.CANCELLED: "Outage cancelled",
}
_SENTENCES: Final = {
    NoticeKind.BEFORE: "During this window your back-end is not in charge of the charging stations below. They stay"
    " connected; commands that you send them will be refused.",
    NoticeKind.START: "From now on your back-end is not in charge of the charging stations below. They stay connected;"
    " commands that you send them are refused.",
    NoticeKind.END: "Your back-end is in charge again of the charging stations below, as before.",
    NoticeKind.CHANGED: "The outage that you were told about has changed. This is how it is now; nothing else holds.",
    NoticeKind.CANCELLED: "The outage that you were told about does not take place. You need to do nothing.",
}


def subject(notice: OutageNotice) -> str:
    """Return the subject line: "Planned outage 2026-12-01 02:00-04:00 CET: 12 charging stations"."""
    told = notice.announcement
    return f"{_HEADLINES[notice.kind]}: {_window(notice)}, {_stations(len(told.chargers))}"


def body(notice: OutageNotice, contact: str) -> str:
    """Return the text: what, which charging stations, when, why, and whom to ask (`contact`, "" for nobody)."""
    told = notice.announcement
    lines = [_SENTENCES[notice.kind], ""]
    if notice.late:
        lines += ["This notice is late: you have less time, or hear later, than was agreed.", ""]
    lines += [
        f"When:    {_window(notice)}",
        f"         {told.opening:%Y-%m-%d %H:%M} to {told.until:%Y-%m-%d %H:%M} UTC",
        f"Why:     {told.reason or 'no reason was given'}",
        f"Outage:  {told.outage}",
        *([f"Contact: {contact}"] if contact else []),
        "",
        f"{_stations(len(told.chargers))}:",
        *(f"  {name}" for name in told.chargers[:_NAMED_MAX]),
    ]
    if len(told.chargers) > _NAMED_MAX:
        lines.append(f"  and {len(told.chargers) - _NAMED_MAX} more")
    return "\n".join(lines) + "\n"


def _window(notice: OutageNotice) -> str:
    told = notice.announcement
    zone = ZoneInfo(told.zone)
    opening, until = told.opening.astimezone(zone), told.until.astimezone(zone)
    end = f"{until:%H:%M %Z}" if _same_day(opening, until) else f"{until:%Y-%m-%d %H:%M %Z}"
    return f"{opening:%Y-%m-%d %H:%M} to {end}"


def _same_day(first: datetime, second: datetime) -> bool:
    return first.date() == second.date() and first.tzname() == second.tzname()


def _stations(count: int) -> str:
    return f"{count} charging station{'' if count == 1 else 's'}"
