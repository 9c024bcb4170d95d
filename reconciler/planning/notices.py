"""Notices due: who must be told what about outages now, given what they were told; a pure function of time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.model.durations import format_duration
from reconciler.model.kinds import BackendSpec
from reconciler.model.notices import Announcement, Delivery, NoticeKind, OutageNotice, Recipient
from reconciler.model.outages import Adjustment, Occurrence, Outage
from reconciler.model.site import Site
from reconciler.planning.local_rules import contacts_of
from reconciler.planning.occurrences import between

REMEMBERED: Final = timedelta(days=2)
"""How long after its end an opening is still told about; told notices must be known for longer than that."""

_GRACE: Final = timedelta(minutes=5)
"""A notice that is sent later than this after its time says that it is late."""

_OVER: Final = frozenset({NoticeKind.END, NoticeKind.CANCELLED})


class _Told(msgspec.Struct, frozen=True):
    """What one recipient was told about one opening; `last` is the newest that was not superseded."""

    edges: frozenset[str]
    last: OutageNotice | None


_NOTHING: Final = _Told(frozenset(), None)
_Key = tuple[str, str]
"""(occurrence, recipient)"""


def recipients_of(site: Site, backends: Iterable[str]) -> tuple[Recipient, ...]:
    """Return the contacts of these back-ends."""
    found: dict[str, Recipient] = {}
    for name in backends:
        resource = site.resources.get(f"backend.{name}")
        if resource is None or not isinstance(resource.spec, BackendSpec):
            continue
        found |= {recipient.key: recipient for recipient in contacts_of(name, resource.spec.contacts)}
    return tuple(found.values())


def notices_due(
    site: Site,
    begun: Sequence[Outage],
    adjustments: Sequence[Adjustment],
    told: Sequence[OutageNotice],
    now: datetime,
) -> list[OutageNotice]:
    """Return the notices to claim at `now`; superseded ones are claimed with them, so that nobody sends them later.

    `told` are those claimed so far, oldest first, of openings that ended no longer ago than REMEMBERED.
    """
    known = _known(told)
    current: set[str] = set()
    due: list[OutageNotice] = []
    for outage in (*site.outages, *begun):
        if outage.notice is None:
            continue
        recipients = recipients_of(site, outage.notice.to)
        for opening in _openings(outage, adjustments, now):
            name = _identity(opening, told, now)
            current.add(name)
            for recipient in _all_told(name, recipients, told):
                due += _due(name, opening, recipient, known.get((name, recipient.key), _NOTHING), now)
    return [*due, *_withdrawn(known, current, now)]


def _known(told: Sequence[OutageNotice]) -> Mapping[_Key, _Told]:
    known: dict[_Key, _Told] = {}
    for notice in told:
        key = notice.occurrence, notice.recipient.key
        before = known.get(key, _NOTHING)
        last = before.last if notice.status is Delivery.SUPERSEDED else notice
        known[key] = _Told(before.edges | {notice.edge}, last)
    return known


def _openings(outage: Outage, adjustments: Sequence[Adjustment], now: datetime) -> Iterator[Occurrence]:
    """Yield the openings of an outage that somebody may have to be told about at `now`."""
    assert outage.notice is not None
    lead = timedelta(seconds=max(outage.notice.before_s, default=0))
    before = now + lead
    if outage.window.start is not None:  # one that opens once is followed wherever it is moved
        before = max(before, outage.window.start)
    return between(outage, adjustments, now - REMEMBERED, before + timedelta(seconds=1))


def _identity(opening: Occurrence, told: Sequence[OutageNotice], now: datetime) -> str:
    """Return the name of an opening for good: that under which it was announced, should it have moved since."""
    outage = opening.outage
    natural = f"{outage.name}/{opening.opening:%Y%m%dT%H%M%SZ}"
    if outage.window.start is None or any(notice.occurrence == natural for notice in told):
        return natural
    newest = {notice.occurrence: notice for notice in told}
    for notice in newest.values():
        same = notice.announcement.outage == outage.address
        if same and notice.kind not in _OVER and notice.announcement.until > now:
            return notice.occurrence
    return natural


def _all_told(name: str, recipients: Sequence[Recipient], told: Sequence[OutageNotice]) -> Iterable[Recipient]:
    """Return who is to be told, and who was told before although nobody would tell them now."""
    before = {notice.recipient.key: notice.recipient for notice in told if notice.occurrence == name}
    return {**before, **{recipient.key: recipient for recipient in recipients}}.values()


def _due(name: str, opening: Occurrence, recipient: Recipient, told: _Told, now: datetime) -> Iterator[OutageNotice]:
    """Yield the one notice that this recipient needs now, if any, and those that it makes superfluous."""
    announcement = _announcement(opening, recipient.zone)
    last = told.last
    changed = last is not None and replace(last.announcement, zone=announcement.zone) != announcement
    sequence = 0 if last is None else last.sequence + changed
    template = OutageNotice(name, "", recipient, NoticeKind.BEFORE, announcement, now, now, sequence)
    if opening.cancelled:
        if last is not None and last.kind not in _OVER:
            yield _next(template, last, NoticeKind.CANCELLED)
    elif now >= opening.until:
        if last is not None and last.kind not in _OVER:
            yield replace(template, edge="end", kind=NoticeKind.END, late=now - opening.until > _GRACE)
    elif opening.opening <= now and "start" not in told.edges:
        yield replace(template, edge="start", kind=NoticeKind.START, late=now - opening.opening > _GRACE)
    elif last is not None and (changed or last.kind is NoticeKind.CANCELLED):
        yield _next(template, last, NoticeKind.CHANGED)
        for said in _ahead(template, opening, told, now):
            yield replace(said, status=Delivery.SUPERSEDED)
    elif now < opening.opening:
        yield from _ahead(template, opening, told, now)


def _ahead(template: OutageNotice, opening: Occurrence, told: _Told, now: datetime) -> Iterator[OutageNotice]:
    """Yield the notice of the shortest lead time that has come, and the longer ones that nobody was told by then."""
    assert opening.outage.notice is not None
    moved = (
        "" if template.occurrence.endswith(f"/{opening.opening:%Y%m%dT%H%M%SZ}") else f"@{opening.opening:%m%dT%H%M}"
    )
    missing = [
        (lead_s, edge)
        for lead_s in sorted(opening.outage.notice.before_s)
        if opening.opening - timedelta(seconds=lead_s) <= now
        and (edge := f"before-{format_duration(lead_s)}{moved}") not in told.edges
    ]
    if not missing:
        return
    late = now - (opening.opening - timedelta(seconds=missing[-1][0])) > _GRACE
    for position, (_, edge) in enumerate(missing):
        status = Delivery.PENDING if position == 0 else Delivery.SUPERSEDED
        yield replace(template, edge=edge, late=late, status=status)


def _withdrawn(known: Mapping[_Key, _Told], current: set[str], now: datetime) -> Iterator[OutageNotice]:
    """Yield a cancellation for openings that were announced and are not declared any more."""
    for (name, _), told in known.items():
        last = told.last
        if name in current or last is None or last.kind in _OVER or last.announcement.until <= now:
            continue
        template = replace(last, claimed_at=now, next_at=now, late=False, status=Delivery.PENDING, attempts=0, error="")
        yield _next(template, last, NoticeKind.CANCELLED)


def _next(template: OutageNotice, last: OutageNotice, kind: NoticeKind) -> OutageNotice:
    sequence = last.sequence + 1
    return replace(template, edge=f"{kind.value}-{sequence}", kind=kind, sequence=sequence)


def _announcement(opening: Occurrence, zone: str) -> Announcement:
    outage = opening.outage
    until = max(opening.until, opening.opening)
    if opening.cancelled:
        until = opening.opening + timedelta(seconds=outage.window.duration_s)
    zone = zone or outage.window.zone
    return Announcement(outage.address, opening.opening, until, zone, outage.chargers, outage.reason)
