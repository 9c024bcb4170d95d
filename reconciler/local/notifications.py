"""Notifications: what a rule tells, what it does not tell because another is in charge, and what it holds back.

    how things stand, what happened ──> RuleState ──> Tell | Suppress ──> pace ──> pending | held ... digest

A trouble is told once it has lasted `after`, if `local` owns the feature of the event on the charger then; else it is
counted for its owner, once. It is told when `local` becomes the owner while it lasts. That it is over is told to those
who were told that it began, unless another owns the feature by then.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.local.notification_text import digest, sentence
from reconciler.model.desired import LOCAL
from reconciler.model.local_rules import STATES, NotificationRule
from reconciler.model.notices import Delivery, Recipient
from reconciler.model.notifications import Edge, Notification, Suppressed

HOUR: Final = timedelta(hours=1)
DIGEST_AFTER: Final = timedelta(minutes=15)
"""So long after the first one that was held back all of them go out together."""

_NOT_SENT: Final = (Delivery.HELD, Delivery.SUPERSEDED)


class Condition(msgspec.Struct, frozen=True):
    """How one thing stands. `key` tells it from others of its event; `owners` own the event's feature, where it is."""

    event: str
    key: str
    about: str
    stands: bool | None
    """None: not known, for example while a station boots."""
    since: datetime
    owners: tuple[str, ...]
    charger: str = ""
    detail: str = ""


class Moment(msgspec.Struct, frozen=True):
    """Something that happened; `key` is the same for what need not be told twice."""

    event: str
    key: str
    about: str
    at: datetime
    owners: tuple[str, ...]
    charger: str = ""
    detail: str = ""


class Tell(msgspec.Struct, frozen=True):
    """Tell everybody of the rule; `quietly`: only note that it is over."""

    trouble: str
    edge: Edge
    event: str
    charger: str
    summary: str
    at: datetime
    quietly: bool = False


@dataclass(slots=True)
class _Trouble:
    name: str
    told: bool = False
    counted: set[str] = field(default_factory=set)


class RuleState:
    """What one rule knows of the troubles that last; `standing` are the messages of those told by earlier processes."""

    def __init__(self, rule: NotificationRule, standing: Iterable[Notification] = ()) -> None:
        self.rule = rule
        self._troubles: dict[tuple[str, str], _Trouble] = {}
        for told in standing:
            if told.rule == rule.name and told.edge is Edge.BEGUN and told.event in STATES:
                key = told.trouble.removeprefix(f"{told.event}/").rpartition("/")[0]
                self._troubles[told.event, key] = _Trouble(told.trouble, told=True)

    def look(self, conditions: Iterable[Condition], now: datetime) -> Iterator[Tell | Suppressed]:
        """Yield what is to be told, and counted, of how things stand at `now`."""
        for found in conditions:
            if found.event in self.rule.on and found.stands is True:
                yield from self._stands(found, now)
            elif found.event in self.rule.on and found.stands is False:
                yield from self._is_over(found, now)

    def happened(self, moment: Moment) -> Iterator[Tell | Suppressed]:
        """Yield what is to be told, or counted, of something that happened."""
        if moment.event not in self.rule.on:
            return
        if LOCAL not in moment.owners:
            yield self._suppressed(moment.event, moment.owners, moment.at)
            return
        summary = sentence(moment.event, Edge.BEGUN, moment.about, moment.detail)
        yield Tell(f"{moment.event}/{moment.key}", Edge.BEGUN, moment.event, moment.charger, summary, moment.at)

    def _stands(self, found: Condition, now: datetime) -> Iterator[Tell | Suppressed]:
        key = found.event, found.key
        trouble = self._troubles.get(key)
        if trouble is None:
            name = f"{found.event}/{found.key}/{found.since:%Y%m%dT%H%M%SZ}"
            trouble = self._troubles[key] = _Trouble(name)
        if trouble.told or now - found.since < timedelta(seconds=self.rule.after_s):
            return
        if LOCAL in found.owners:
            trouble.told = True
            summary = sentence(found.event, Edge.BEGUN, found.about, found.detail)
            yield Tell(trouble.name, Edge.BEGUN, found.event, found.charger, summary, found.since)
        elif (owner := _owner(found.owners)) not in trouble.counted:
            trouble.counted.add(owner)
            yield self._suppressed(found.event, found.owners, now)

    def _is_over(self, found: Condition, now: datetime) -> Iterator[Tell | Suppressed]:
        trouble = self._troubles.pop((found.event, found.key), None)
        if trouble is None or not trouble.told:
            return
        is_ours = LOCAL in found.owners
        summary = sentence(found.event, Edge.OVER, found.about, "")
        quietly = not (is_ours and self.rule.recovery)
        yield Tell(trouble.name, Edge.OVER, found.event, found.charger, summary, now, quietly)
        if not is_ours and self.rule.recovery:
            yield self._suppressed(found.event, found.owners, now)

    def _suppressed(self, event: str, owners: Sequence[str], at: datetime) -> Suppressed:
        return Suppressed(self.rule.name, event, _owner(owners), 1, at)


def claims_of(rule: NotificationRule, tells: Iterable[Tell], now: datetime) -> list[Notification]:
    """Return the messages that these tells mean, one for each recipient."""
    return [
        Notification(
            rule.name,
            tell.trouble,
            tell.edge,
            recipient,
            tell.event,
            tell.charger,
            tell.summary,
            tell.at,
            claimed_at=now,
            next_at=now,
            status=Delivery.SUPERSEDED if tell.quietly else Delivery.PENDING,
        )
        for tell in tells
        for recipient in rule.to
    ]


def pace(
    rule: NotificationRule, claims: Iterable[Notification], told: Sequence[Notification], now: datetime
) -> list[Notification]:
    """Return `claims` with those held back that would be too much for their recipient; `told` are the last hour's."""
    ours = [one for one in told if one.rule == rule.name]
    sent: dict[str, int] = {}
    for one in ours:
        if one.status not in _NOT_SENT and one.claimed_at > now - HOUR:
            sent[one.recipient.key] = sent.get(one.recipient.key, 0) + 1
    held = {(one.trouble, one.recipient.key) for one in ours if one.status is Delivery.HELD}
    paced = []
    for claim in claims:
        count = sent.get(claim.recipient.key, 0)
        too_much = count >= rule.at_most_per_hour or (claim.trouble, claim.recipient.key) in held
        if claim.status is Delivery.PENDING and too_much:
            paced.append(replace(claim, status=Delivery.HELD))
        else:
            sent[claim.recipient.key] = count + (claim.status is Delivery.PENDING)
            paced.append(claim)
    return paced


def digests_due(told: Iterable[Notification], now: datetime) -> list[tuple[Notification, tuple[Notification, ...]]]:
    """Return the digests to send at `now`, each with what it says: all that a rule held back from a recipient."""
    held: dict[tuple[str, str], list[Notification]] = {}
    for one in told:
        if one.status is Delivery.HELD:
            held.setdefault((one.rule, one.recipient.key), []).append(one)
    return [
        (_digest(rule, kept[0].recipient, kept, now), tuple(kept))
        for (rule, _), kept in held.items()
        if kept[0].claimed_at + DIGEST_AFTER <= now
    ]


def _digest(rule: str, recipient: Recipient, held: Sequence[Notification], now: datetime) -> Notification:
    name = f"digest/{held[0].claimed_at:%Y%m%dT%H%M%SZ}"
    return Notification(rule, name, Edge.DIGEST, recipient, "digest", "", digest(rule, held), now, now, now)


def _owner(owners: Sequence[str]) -> str:
    return owners[0] if owners else "nobody"
