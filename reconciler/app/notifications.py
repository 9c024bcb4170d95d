"""Notifications by rules: looked for every few seconds, claimed once, sent as outage notices are.

    sessions, memories, policies ──> conditions ───────────┐
    flips, security events, firmware ──> moments (stored) ─┼─> RuleState (pure) ──> pace ──> claim ──> delivering
                                                           └─> counted where another is in charge

A charger that is in no rule costs a look-up for each of its calls that `local` hears, and nothing else.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.charger_slot import ChargerSlot
from reconciler.app.conditions import (
    SETTLE,
    Onsets,
    backends_down,
    faulted,
    legs_of,
    loads_exceeded,
    offline,
    offline_elsewhere,
)
from reconciler.app.delivering import Courier, Delivering, Message
from reconciler.app.duty import Duty
from reconciler.app.expiry_watch import Expiry
from reconciler.app.failure_limits import address_of
from reconciler.app.load_facts import Slots, owners_of
from reconciler.app.moments import Moments, MomentStore
from reconciler.app.notification_reach import Legs, NoReach, Reach, Standing
from reconciler.app.ports import Clock, Metrics
from reconciler.app.reported_faults import ReportedFaults
from reconciler.app.tasks import Report
from reconciler.local.load.facts import PolicyLoad
from reconciler.local.notification_text import body, subject
from reconciler.local.notifications import HOUR, Condition, Moment, RuleState, Tell, claims_of, digests_due, pace
from reconciler.model.desired import LOCAL
from reconciler.model.history import HistoryEvent
from reconciler.model.local_rules import EVENT_FEATURES, RELAY_CERTIFICATE, RELAY_SECURITY, NotificationRule
from reconciler.model.notices import Delivery
from reconciler.model.notifications import Edge, Notification, Suppressed
from reconciler.planning.effects import moves_between
from reconciler.planning.render import move_text

TICK_S: Final = 3.0
_EXPIRING_MAX: Final = 10_000
_EARLY_MAX: Final = 10_000
_BREATHE_EVERY: Final = 500
_WARNINGS_DAYS: Final = (0, 1, 3, 7, 14, 30)
"""So many days before a certificate expires people are told."""
_FIRMWARE_FAILED: Final = frozenset(
    {"DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature"}
)
_FIRMWARE: Final = frozenset({"FirmwareStatusNotification", "SignedFirmwareStatusNotification"})


class NotificationStore(MomentStore, Protocol):
    """What is durable of notifications."""

    async def notifications(self, since: datetime) -> tuple[Notification, ...]:
        """Return those claimed after `since`, and those not sent or not over yet, in the order of claims."""

    async def claim_notifications(self, claims: Sequence[Notification]) -> tuple[Notification, ...]:
        """Store those of `claims` that nobody has claimed yet, and return them."""

    async def update_notification(self, notification: Notification, *, seen: Notification) -> bool:
        """Store how far one has come; False, and nothing is written, where it is not as it was `seen`."""

    async def suppressed(self) -> tuple[Suppressed, ...]:
        """Return what was not sent, by rule, event and owner."""

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        """Append events to history."""


class Loads(Protocol):
    """Who knows how load policies stand."""

    def pictures(self) -> tuple[PolicyLoad, ...]:
        """Return how each policy stands."""


class RuleReport(msgspec.Struct, frozen=True):
    """One rule: its messages of the last hour and those that wait, and what it did not send because of whom."""

    rule: NotificationRule
    messages: tuple[Notification, ...]
    suppressed: tuple[Suppressed, ...]


class Notifications:
    """All notification rules of this node; sends nothing while another node has the duty."""

    def __init__(
        self,
        store: NotificationStore,
        slots: Slots,
        loads: Loads,
        clock: Clock,
        specs: AppliedSpecs,
        couriers: Mapping[str, Courier],
        metrics: Metrics,
        *,
        duty: Duty,
        contact: str,
        report: Report,
        reach: Reach | None = None,
    ) -> None:
        """`reach` is what other nodes say of their chargers; None: there are none."""
        self._store = store
        self._reach = reach or NoReach()
        self._slots = slots
        self._loads = loads
        self._clock = clock
        self._specs = specs
        self._delivering = Delivering[Notification](self, couriers, clock)
        self._metrics = metrics
        self._duty = duty
        self._contact = contact
        self._report = report
        self._started = clock.now()
        self._watched: frozenset[str] = frozenset()
        self._states: dict[str, RuleState] | None = None
        self._onsets = Onsets()
        self._reported = ReportedFaults()
        self._owners: dict[str, Mapping[str, str]] = {}
        self.moments = Moments(store, report)
        """What happened; to be kept running beside `run`."""
        self._relay_is_watched = False
        self._early: list[Moment] | None = []
        """What happened before the first look at the rules said who wants to hear of it; None from then on."""
        self._expiring: list[tuple[Expiry, int]] = []
        """Certificates that expire soon, and within how many days: noted once it is known who wants to hear of it."""

    # -- what happens ------------------------------------------------------------------------------------------

    def heard(self, charger: str, action: str, payload: Mapping[str, Any]) -> None:
        """Take a CALL of a station, as `local` got it."""
        if action == "NotifyEvent":
            self._reported.take(charger, payload)  # a rule may come later, and the station says it once
        elif action == "BootNotification":
            self._reported.forget(charger)
        elif not self._may_be_watched(charger):
            return
        elif action == "SecurityEventNotification":
            kind = str(payload.get("type", ""))[:50]
            self._happened("security-event", charger, kind, f"{charger}/{kind}")
        elif action in _FIRMWARE and payload.get("status") in _FIRMWARE_FAILED:
            self._happened("firmware-failed", charger, str(payload["status"]), charger)

    def noticed(self, event: str, charger: str, remote: str, detail: str) -> None:
        """Take a security event that the relay itself has noticed, of a charger, or of none ("")."""
        if charger and self._may_be_watched(charger):
            said = f"{event} on {charger}: {detail}"
            self._happened("security-event", charger, said, f"{charger}/{event}", about="fwdctl")
        elif not charger:
            came_from = f" from {remote}" if remote else ""
            self._of_the_relay(RELAY_SECURITY, f"{event}{came_from}: {detail}", f"{event}/{address_of(remote)}")

    def expires(self, expiry: Expiry, days: float) -> None:
        """Take a certificate that expires soon; told at each of `_WARNINGS_DAYS`, for the first charger of a rule."""
        left = min((at for at in _WARNINGS_DAYS if days <= at), default=None)
        if left is not None and len(self._expiring) < _EXPIRING_MAX:
            self._expiring.append((expiry, left))

    def changed(self, charger: str) -> None:
        """Hear that a charger came, left or changed hands."""
        slot = self._slots.slot(charger)
        if slot is None:
            self._reported.forget(charger)
        if charger not in self._watched or slot is None:
            self._owners.pop(charger, None)
            return
        after = owners_of(slot)
        before = self._owners.get(charger)
        self._owners[charger] = after
        if before is None or before is after or before == after:
            return
        moves = moves_between(before, after)
        owners = [name for move in moves for name in (move.after, move.before)]
        told = (LOCAL,) if LOCAL in owners else tuple(owners)
        now = self._clock.now()
        key, detail = f"{charger}/{now:%Y%m%dT%H%M%S%fZ}", "; ".join(map(move_text, moves))
        self.moments.note(Moment("flip", key, charger, now, told, charger, detail))

    def _happened(
        self, event: str, charger: str, detail: str, key: str, *, about: str = "", once: bool = False
    ) -> None:
        """Note something; the same within an hour, or ever, is told once."""
        slot, now = self._slots.slot(charger), self._clock.now()
        if slot is not None:
            owner = owners_of(slot).get(EVENT_FEATURES[event], "nobody")
            key = key if once else f"{key}/{now:%Y%m%dT%H}"
            self._note(Moment(event, key, about or charger, now, (owner,), charger, detail))

    def _of_the_relay(self, event: str, detail: str, key: str, *, about: str = "fwdctl", once: bool = False) -> None:
        """Note something that is about no charger; whose it is there is no question."""
        if self._relay_is_watched or self._early is not None:
            now = self._clock.now()
            key = key if once else f"{key}/{now:%Y%m%dT%H}"
            self._note(Moment(event, key, about, now, (LOCAL,), "", detail))

    def _may_be_watched(self, charger: str) -> bool:
        return self._early is not None or charger in self._watched

    def _note(self, moment: Moment) -> None:
        if self._early is None:
            self.moments.note(moment)
        elif len(self._early) < _EARLY_MAX:
            self._early.append(moment)

    def _note_expiring(self, rules: Sequence[NotificationRule]) -> None:
        expiring, self._expiring = self._expiring, []
        for expiry, left in expiring:
            found = {next((name for name in expiry.chargers if name in rule.chargers), "") for rule in rules} - {""}
            at = datetime.fromtimestamp(expiry.at_s, UTC)
            about, detail = f"the certificate of {expiry.whose} {expiry.name}", f"{at:%Y-%m-%d %H:%M} UTC"
            key = f"{expiry.whose}/{expiry.name}/{at:%Y%m%dT%H}/{left}"
            if not expiry.chargers:
                self._of_the_relay(RELAY_CERTIFICATE, detail, key, about=about, once=True)
            for charger in sorted(found):
                self._happened("certificate-expires", charger, detail, key, about=about, once=True)

    # -- the loop ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            try:
                await self.tick(self._clock.now())
            except Exception as error:  # noqa: BLE001 - the store may be away for a while, the loop may not
                self._report("notifications", error)
            await asyncio.sleep(TICK_S)

    async def tick(self, now: datetime) -> None:
        """See how things stand at `now`, claim what is to be told, and try to deliver what is pending."""
        rules = (await self._specs.newest()).site.notification_rules
        self._watch(rules)
        if not self._duty.held:
            self._states = None
            self._note_expiring(rules)
            return
        if not rules:
            self._states = {}
            return
        told = await self._store.notifications(now - HOUR)
        self._adopt(rules, told)
        self._note_expiring(rules)
        rows, moments = await self.moments.read(now)
        decided = await self._decide(rules, moments, now)
        claims: list[Notification] = []
        for rule, found in decided:
            tells = [one for one in found if isinstance(one, Tell)]
            claims += pace(rule, claims_of(rule, tells, now), told, now)
        claimed = await self._store.claim_notifications(claims) if claims else ()
        await self._settle([one for _, found in decided for one in found if isinstance(one, Suppressed)], rows)
        for one in claimed:
            self._metrics.count("notifications", outcome="held" if one.status is Delivery.HELD else "claimed")
        digests = await self._digests((*told, *claimed), now)
        await self._delivering.deliver((*told, *claimed, *digests))

    async def rules(self) -> tuple[RuleReport, ...]:
        """Return how each rule stands, by name."""
        rules = (await self._specs.newest()).site.notification_rules
        if not rules:
            return ()
        told, suppressed = await self._store.notifications(self._clock.now() - HOUR), await self._store.suppressed()
        return tuple(
            RuleReport(
                rule,
                tuple(one for one in told if one.rule == rule.name),
                tuple(one for one in suppressed if one.rule == rule.name),
            )
            for rule in rules
        )

    def _watch(self, rules: Sequence[NotificationRule]) -> None:
        watched = frozenset(chain.from_iterable(rule.chargers for rule in rules))
        self._relay_is_watched = any(rule.is_about_the_relay for rule in rules)
        early, self._early = self._early or (), None
        for moment in early:
            if any(rule.is_about(moment.event, moment.charger) for rule in rules):
                self.moments.note(moment)
        new = watched - self._watched
        self._watched = watched
        for charger in new:
            slot = self._slots.slot(charger)
            if slot is not None:
                self._owners[charger] = owners_of(slot)

    def _adopt(self, rules: Iterable[NotificationRule], told: Sequence[Notification]) -> None:
        over = {(one.rule, one.trouble) for one in told if one.edge is Edge.OVER}
        standing = [one for one in told if (one.rule, one.trouble) not in over]
        before = self._states or {}
        states = {}
        for rule in rules:
            known = before.get(rule.name)
            states[rule.name] = known if known is not None else RuleState(rule, standing)
            states[rule.name].rule = rule
        self._states = states

    async def _decide(
        self, rules: Sequence[NotificationRule], moments: Sequence[Moment], now: datetime
    ) -> list[tuple[NotificationRule, list[Tell | Suppressed]]]:
        assert self._states is not None
        there = await self._reach.standing()
        now_s = self._clock.monotonic_s()
        slots = {name: slot for name in self._watched if (slot := self._slots.slot(name)) is not None}
        of_charger: dict[str, tuple[Condition, ...]] = {}
        legs: dict[str, Legs] = {}
        for position, (name, slot) in enumerate(slots.items()):
            of_charger[name] = (*self._conditions(name, slot, now), *there.conditions.get(name, ()))
            legs[name] = there.legs.get(name) or legs_of(slot, now_s)
            if position % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
        decided = []
        for rule in rules:
            state = self._states[rule.name]
            own = chain.from_iterable(of_charger.get(name, ()) for name in rule.chargers)
            shared = chain(
                backends_down(rule, legs, slots, self._onsets, now),
                loads_exceeded(rule, self._loads.pictures(), slots, self._onsets, now),
            )
            happened = chain.from_iterable(
                state.happened(moment) for moment in moments if rule.is_about(moment.event, moment.charger)
            )
            decided.append((rule, [*state.look(chain(own, shared), now), *happened]))
        return decided

    def _conditions(self, name: str, slot: ChargerSlot, now: datetime) -> Iterator[Condition]:
        live = self._reach.last_elsewhere(name) if slot.session is None else None
        if live is not None:
            if live.connected or now - self._started >= SETTLE:
                yield offline_elsewhere(name, slot, live, self._onsets, now)
            return  # whatever else is wrong with it is seen at its node
        found = offline(name, slot, self._started)
        if found is not None and (slot.session is not None or now - self._started >= SETTLE or slot.connections):
            yield found
        yield from faulted(name, slot, self._reported.of(name), self._onsets, now)

    def standing(self) -> Standing:
        """Return how the chargers of rules stand that are connected here."""
        now, now_s = self._clock.now(), self._clock.monotonic_s()
        slots = {name: slot for name in self._watched if (slot := self._slots.slot(name)) is not None and slot.session}
        conditions = {
            name: tuple(faulted(name, slot, self._reported.of(name), self._onsets, now)) for name, slot in slots.items()
        }
        return Standing(conditions, {name: legs_of(slot, now_s) for name, slot in slots.items()})

    def moved(self, charger: str) -> None:
        """Hear that a charger is connected to another node: what happens to its owners is noted there."""
        self._owners.pop(charger, None)

    async def _settle(self, suppressed: Sequence[Suppressed], decided: Sequence[int]) -> None:
        """Count what is not sent, and be done with what happened; after the claims, or it would be lost with us."""
        if suppressed or decided:
            await self._store.count_suppressed(suppressed, decided)
        for _ in suppressed:
            self._metrics.count("notifications", outcome="suppressed")

    async def _digests(self, told: Sequence[Notification], now: datetime) -> tuple[Notification, ...]:
        """Claim the digests that are due, and close what they tell."""
        due = digests_due(told, now)
        claimed = await self._store.claim_notifications([digest for digest, _ in due]) if due else ()
        for _, held in due:
            for one in held:
                await self._store.update_notification(replace(one, status=Delivery.SUPERSEDED), seen=one)
        return claimed

    # -- Outbox ------------------------------------------------------------------------------------------------

    async def update(self, parcel: Notification, seen: Notification) -> bool:
        """Store how far a notification has come."""
        return await self._store.update_notification(parcel, seen=seen)

    def message(self, parcel: Notification) -> Message:
        """Return a notification in words."""
        return Message(parcel, subject(parcel), body(parcel, self._contact), self._contact)

    async def concluded(self, parcel: Notification, failure: str) -> None:
        """Write down that a notification has arrived, or why it was given up."""
        self._metrics.count("notifications", outcome="failed" if failure else "sent")
        to = parcel.recipient.to
        summary = f"could not tell {to}: {failure}" if failure else f"told {to}: {subject(parcel)}"
        details = {"rule": parcel.rule, "trouble": parcel.trouble, "edge": parcel.edge.value}
        kind = "notification-failed" if failure else "notification"
        event = HistoryEvent(self._clock.now(), kind, summary, charger=parcel.charger, details=details)
        await self._store.record([event])
