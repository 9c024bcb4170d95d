"""Notifications over a node without sockets: told once, counted where another is in charge, over restarts too."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

import pytest
from msgspec.structs import replace

from reconciler.app.delivering import Message
from reconciler.app.duty import SoleDuty
from reconciler.app.expiry_watch import Expiry
from reconciler.app.notifications import Notifications
from reconciler.local.load.facts import PolicyLoad
from reconciler.local.notifications import Moment
from reconciler.model.history import HistoryEvent
from reconciler.model.local_rules import RELAY_EVENTS, STATES, NotificationRule
from reconciler.model.notices import Delivery, Recipient
from reconciler.model.notifications import Edge, Notification, Suppressed
from tests.support.local_depot import OURS, THEIRS, LocalDepot, Specs

RULE = NotificationRule(
    "faults",
    frozenset({"cp1", "cp2"}),
    frozenset(
        {"charger-offline", "connector-faulted", "flip", "security-event", "firmware-failed", "certificate-expires"}
    ),
    (Recipient("faults", "email", "ops@depot.example"),),
    after_s=10,
)

WATCHMAN = NotificationRule(
    "watchman", frozenset(), RELAY_EVENTS, (Recipient("watchman", "email", "night@depot.example"),)
)


class Kept:
    """A NotificationStore in memory."""

    def __init__(self) -> None:
        self.told: dict[str, Notification] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.events: list[HistoryEvent] = []
        self.rows: dict[int, Moment] = {}
        self.numbers = count()
        self.away = False

    async def put_moments(self, moments: Sequence[Moment]) -> None:
        self.rows |= {next(self.numbers): moment for moment in moments}

    async def moments(self, at_most: int) -> tuple[tuple[int, Moment], ...]:
        return tuple(self.rows.items())[:at_most]

    async def notifications(self, since: datetime) -> tuple[Notification, ...]:
        over = {one.trouble for one in self.told.values() if one.edge is Edge.OVER}
        return tuple(
            one
            for one in self.told.values()
            if one.claimed_at > since
            or one.status in (Delivery.PENDING, Delivery.HELD)
            or (one.edge is Edge.BEGUN and one.event in STATES and one.trouble not in over)
        )

    async def claim_notifications(self, claims: Sequence[Notification]) -> tuple[Notification, ...]:
        if self.away:
            raise OSError("the store is away")
        first = {claim.key: claim for claim in reversed(claims)}
        won = [claim for claim in claims if claim.key not in self.told and first[claim.key] is claim]
        self.told |= {claim.key: claim for claim in won}
        return tuple(won)

    async def update_notification(self, notification: Notification, *, seen: Notification) -> bool:
        if self.told[seen.key] != seen:
            return False
        self.told[seen.key] = notification
        return True

    async def count_suppressed(self, more: Sequence[Suppressed], decided: Sequence[int] = ()) -> None:
        for number in decided:
            del self.rows[number]
        for one in more:
            self.counts[one.event, one.owner] = self.counts.get((one.event, one.owner), 0) + one.count

    async def suppressed(self) -> tuple[Suppressed, ...]:
        return tuple(Suppressed("faults", *key, count, RULES_AT) for key, count in self.counts.items())

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        self.events += events


RULES_AT = datetime.fromisoformat("2026-12-01T02:00:00+00:00")


class Site(LocalDepot):
    """Two chargers under one rule, and whoever is told."""

    def __init__(self) -> None:
        super().__init__()
        self.kept, self.subjects = Kept(), list[str]()
        self.specs = Specs((), (RULE,))
        self.told = self.process()

    def process(self) -> Notifications:
        """Start over, as a new process would, over the same store."""
        return Notifications(
            self.kept,
            self.node,
            self,
            self.clock,
            self.specs,  # type: ignore[arg-type]  # all that is asked of it
            {"email": self},
            self.tally,
            duty=SoleDuty(),
            contact="",
            report=lambda what, error: None,
        )

    def pictures(self) -> tuple[PolicyLoad, ...]:
        """No load policies here."""
        return ()

    async def deliver(self, message: Message) -> None:
        """Take a message."""
        self.subjects.append(message.subject)

    async def tick(self, after_s: float = 0.0) -> list[str]:
        """Let time pass, tick, and return what was told meanwhile."""
        self.clock.advance(after_s)
        before = len(self.subjects)
        await self.told.tick(self.clock.now())
        return self.subjects[before:]

    def fault(self, name: str, status: str = "Faulted") -> None:
        """Let a connector report."""
        self.stations[name].say("StatusNotification", {"connectorId": 1, "status": status, "errorCode": "NoError"})


async def site() -> Site:
    """Return a site: cp1 ours, cp2 a partner's, both connected."""
    found = Site()
    await found.declare("cp1", OURS)
    await found.declare("cp2", THEIRS)
    for name in ("cp1", "cp2"):
        await found.connect(name)
    assert await found.tick() == []
    return found


async def test_a_fault_is_told_where_local_is_in_charge_and_counted_where_it_is_not() -> None:
    depot = await site()
    depot.fault("cp1")
    depot.fault("cp2")
    assert await depot.tick(9) == []
    assert await depot.tick(10) == ["cp1 has a faulted connector: connector 1"]
    assert depot.kept.counts == {("connector-faulted", "partner"): 1}
    assert await depot.tick(100) == []
    depot.fault("cp1", "Available")
    depot.fault("cp2", "Available")
    assert await depot.tick(3) == ["cp1 has no faulted connector any more"]
    (report,) = await depot.told.rules()
    assert [one.count for one in report.suppressed] == [1]
    assert [one.status for one in report.messages] == [Delivery.SENT, Delivery.SENT]
    assert [event.kind for event in depot.kept.events] == ["notification", "notification"]
    assert depot.tally.counts["notifications", "sent"] == 2


async def test_what_was_told_is_not_told_again_after_a_restart_and_ends_all_the_same() -> None:
    depot = await site()
    depot.fault("cp1")
    await depot.tick()
    assert len(await depot.tick(10)) == 1
    depot.told = depot.process()
    assert await depot.tick(60) == []
    depot.fault("cp1", "Available")
    assert await depot.tick(3) == ["cp1 has no faulted connector any more"]


async def test_a_charger_that_comes_back_soon_is_no_news() -> None:
    depot = await site()
    await depot.leave("cp1")
    assert await depot.tick(5) == []
    await depot.connect("cp1")
    assert await depot.tick(60) == []
    await depot.leave("cp1")
    assert await depot.tick(11) == ["cp1 is offline"]
    await depot.connect("cp1")
    assert await depot.tick(3) == ["cp1 is online again"]


async def test_after_a_start_stations_have_time_to_come_back() -> None:
    depot = await site()
    await depot.leave("cp1")
    slot = depot.node.slot("cp1")
    assert slot is not None
    slot.connections, slot.last_seen_s = 0, 0.0  # as a new process finds it
    depot.told = depot.process()
    assert await depot.tick(100) == []
    assert await depot.tick(40) == ["cp1 is offline"]


async def test_a_flip_is_told_where_local_gains_or_loses() -> None:
    depot = await site()
    for name in ("cp1", "cp2"):
        depot.told.changed(name)
    await depot.leave("cp2")
    await depot.declare("cp2", OURS)
    depot.told.changed("cp2")
    assert await depot.tick() == ["cp2 changed hands: every feature: partner -> local"]
    depot.told.changed("cp2")
    assert await depot.tick() == []


async def test_security_events_and_failed_firmware_are_told_once_an_hour_for_each_kind() -> None:
    depot = await site()
    for _ in range(3):
        depot.told.heard("cp1", "SecurityEventNotification", {"type": "TamperDetectionActivated"})
        depot.told.heard("cp2", "SecurityEventNotification", {"type": "TamperDetectionActivated"})
        depot.told.heard("none", "SecurityEventNotification", {"type": "TamperDetectionActivated"})
    depot.told.heard("cp1", "FirmwareStatusNotification", {"status": "InstallationFailed"})
    depot.told.heard("cp1", "FirmwareStatusNotification", {"status": "Installed"})
    assert await depot.tick() == [
        "cp1 reports a security event: TamperDetectionActivated",
        "cp1 could not update its firmware: InstallationFailed",
    ]
    assert depot.kept.counts == {("security-event", "partner"): 3}


async def test_what_the_relay_notices_itself_is_told_where_local_owns_security_and_counted_elsewhere() -> None:
    depot = await site()
    for name in ("cp1", "cp2", "none"):
        for _ in range(2):
            depot.told.noticed("failed-login", name, "192.0.2.7:5", "wrong password")
    assert await depot.tick() == ["fwdctl reports a security event: failed-login on cp1: wrong password"]
    assert depot.kept.counts == {("security-event", "partner"): 2}


async def test_what_happens_before_the_first_look_at_the_rules_is_told_to_who_wants_to_hear_of_it() -> None:
    depot = await site()
    depot.specs.rules = (RULE, WATCHMAN)
    depot.told = depot.process()
    depot.told.noticed("failed-login", "cp1", "192.0.2.7:5", "wrong password")
    depot.told.noticed("failed-login", "undeclared", "192.0.2.7:5", "wrong password")
    depot.told.noticed("unknown-station", "", "192.0.2.7:5", "CP-9 is not declared")
    depot.told.heard("cp1", "SecurityEventNotification", {"type": "TamperDetectionActivated"})
    assert depot.kept.rows == {}
    assert await depot.tick() == [
        "fwdctl reports a security event: failed-login on cp1: wrong password",
        "cp1 reports a security event: TamperDetectionActivated",
        "fwdctl noticed a security event: unknown-station from 192.0.2.7:5: CP-9 is not declared",
    ]
    assert await depot.tick() == []


async def test_what_nobody_wants_to_hear_of_is_gone_with_the_first_look_at_the_rules() -> None:
    depot = await site()
    depot.specs.rules = (WATCHMAN,)
    depot.told = depot.process()
    depot.told.noticed("failed-login", "cp1", "192.0.2.7:5", "wrong password")
    assert await depot.tick() == []
    depot.specs.rules = (RULE, WATCHMAN)
    assert await depot.tick() == []


async def test_a_certificate_that_expires_is_told_of_once_at_each_warning_for_one_charger_of_the_rule() -> None:
    depot = await site()
    until = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    shared = Expiry("leg", "partner file:client.pem", until, ("none", "cp1", "cp2"))
    words = "the certificate of leg partner file:client.pem expires: 2027-01-01 00:00 UTC"
    depot.told.expires(shared, 29.0)
    depot.told.expires(Expiry("door", "rsa.pem", until), 2.0)  # for no charger, and no rule of the relay
    depot.told.expires(Expiry("station", "cp1", until, ("cp1",)), 31.0)  # not soon
    assert await depot.tick() == [words]
    depot.told.expires(shared, 28.9)
    assert await depot.tick() == []
    depot.told.expires(shared, 13.9)
    assert await depot.tick() == [words]


async def test_what_is_about_no_charger_is_told_by_rules_of_the_relay_and_no_others() -> None:
    depot = await site()
    knocks = ("unknown-station", "", "192.0.2.7:5", "CP-9 is not declared")
    depot.told.noticed(*knocks)
    assert depot.kept.rows == {}
    depot.specs.rules = (RULE, WATCHMAN)
    assert await depot.tick() == []
    for remote in ("192.0.2.7:5", "192.0.2.7:6", "192.0.2.8:5", ""):
        depot.told.noticed("unknown-station", "", remote, "CP-9 is not declared")
    depot.told.noticed("failed-login", "cp1", "192.0.2.7:5", "wrong password")
    said = "fwdctl noticed a security event: unknown-station"
    assert await depot.tick() == [
        "fwdctl reports a security event: failed-login on cp1: wrong password",
        f"{said} from 192.0.2.7:5: CP-9 is not declared",  # the same from there within the hour is no news
        f"{said} from 192.0.2.8:5: CP-9 is not declared",
        f"{said}: CP-9 is not declared",
    ]
    depot.told.noticed(*knocks)
    assert await depot.tick() == []
    depot.clock.advance(3600)
    depot.told.noticed(*knocks)
    assert await depot.tick() == [f"{said} from 192.0.2.7:5: CP-9 is not declared"]
    assert depot.kept.counts == {}


async def test_a_certificate_of_the_server_itself_that_expires_is_told_at_each_warning() -> None:
    depot = await site()
    depot.specs.rules = (RULE, WATCHMAN)
    door = Expiry("door", "rsa.pem", datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    await depot.tick()
    for days in (29.0, 28.0, 2.9):
        depot.told.expires(door, days)
    words = "the certificate of door rsa.pem expires: 2027-01-01 00:00 UTC"
    assert await depot.tick() == [words, words]
    depot.told = depot.process()
    depot.told.expires(door, 2.0)
    assert await depot.tick() == []


async def test_what_happened_is_told_by_whoever_acts_next_and_only_once() -> None:
    depot = await site()
    depot.fault("cp1")
    depot.told.heard("cp1", "SecurityEventNotification", {"type": "TamperDetected"})
    depot.told.heard("cp2", "SecurityEventNotification", {"type": "TamperDetected"})
    await depot.told.moments.write()
    depot.kept.away = True  # as it dies
    with pytest.raises(OSError, match="away"):
        await depot.tick()
    depot.kept.away = False
    depot.told = depot.process()
    assert await depot.tick() == ["cp1 reports a security event: TamperDetected"]
    assert depot.kept.counts == {("security-event", "partner"): 1}
    assert depot.kept.rows == {}


async def test_one_that_dies_between_telling_and_forgetting_leaves_nothing_to_tell_twice() -> None:
    depot = await site()
    depot.told.heard("cp1", "SecurityEventNotification", {"type": "TamperDetected"})
    await depot.told.moments.write()
    left = dict(depot.kept.rows)
    assert len(await depot.tick()) == 1
    depot.kept.rows |= left  # never forgotten
    depot.told = depot.process()
    assert await depot.tick() == []
    assert depot.kept.rows == {}


async def test_more_than_the_rule_allows_comes_as_one_digest() -> None:
    depot = await site()
    depot.specs.rules = (replace(RULE, at_most_per_hour=2),)
    for number in range(5):
        depot.told.heard("cp1", "SecurityEventNotification", {"type": f"Event{number}"})
    assert len(await depot.tick()) == 2
    assert await depot.tick(600) == []
    assert await depot.tick(301) == ["3 more by faults"]
    assert await depot.tick(3600) == []


async def test_without_rules_nothing_is_looked_at_and_nothing_told() -> None:
    depot = await site()
    depot.specs.rules = ()
    depot.fault("cp1")
    assert await depot.tick(100) == []
    assert await depot.told.rules() == ()
