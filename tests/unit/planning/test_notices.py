"""Notices due: each once, in time or said to be late, updated and withdrawn as outages change."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.model.documents import Document
from reconciler.model.notices import Delivery, NoticeKind, OutageNotice
from reconciler.model.outages import Adjustment, Notice, Outage
from reconciler.model.site import Site
from reconciler.planning.notices import notices_due, recipients_of
from tests.support.clock import EPOCH
from tests.support.outages import HAND_OVER, outage_document, window_at
from tests.support.specs import a_site, backend, resolved, without

HOUR = timedelta(hours=1)
DAYS = timedelta(days=1)
OPENING = EPOCH + HOUR
"""Of the outage: 04:00 in Rome, 03:00 UTC; it lasts two hours."""
NOC = "email:noc@partner.example"


def site(*outages: Document, contacts: list[dict[str, Any]] | None = None) -> Site:
    told = [{"email": "noc@partner.example"}] if contacts is None else contacts
    return resolved([*without(a_site(2), "partner"), backend("partner", contacts=told), *outages])


def with_notice(before: Iterable[str] = ("72h", "24h", "1h"), **spec: Any) -> Document:
    return outage_document(notice={"before": list(before), "to": ["partner"]}, **spec)


class Partner:
    """A partner's memory: what was claimed for it so far."""

    def __init__(self) -> None:
        self.told: list[OutageNotice] = []
        self.adjustments: list[Adjustment] = []

    def hear(self, site: Site, now: datetime, *begun: Outage) -> list[str]:
        """Claim what is due and return what is sent of it; nothing is due right afterwards."""
        due = notices_due(site, begun, self.adjustments, self.told, now)
        self.told += due
        assert not notices_due(site, begun, self.adjustments, self.told, now)
        return [f"{notice.edge}{' late' if notice.late else ''}" for notice in due if notice.status is Delivery.PENDING]

    def adjust(self, until: datetime) -> None:
        self.adjustments = [Adjustment("firmware", OPENING, until, "because", "ann", EPOCH)]


def test_a_partner_hears_at_each_lead_time_at_the_start_and_at_the_end() -> None:
    partner, declared = Partner(), site(with_notice())
    heard = {hours: said for hours in range(-80, 10) if (said := partner.hear(declared, OPENING + hours * HOUR))}
    assert heard == {-72: ["before-72h"], -24: ["before-24h"], -1: ["before-1h"], 0: ["start"], 2: ["end"]}
    assert {notice.sequence for notice in partner.told} == {0}
    assert {notice.occurrence for notice in partner.told} == {"firmware/20261201T030000Z"}


def test_an_outage_declared_late_is_told_once_at_once_and_says_so() -> None:
    partner = Partner()
    assert partner.hear(site(with_notice()), OPENING - 10 * HOUR) == ["before-24h late"]
    assert [(notice.edge, notice.status) for notice in partner.told] == [
        ("before-24h", Delivery.PENDING),
        ("before-72h", Delivery.SUPERSEDED),
    ]
    assert partner.hear(site(with_notice()), OPENING - HOUR) == ["before-1h"]


def test_a_node_that_slept_over_everything_tells_only_what_is_still_true() -> None:
    partner, declared = Partner(), site(with_notice())
    partner.hear(declared, OPENING - 72 * HOUR)
    assert partner.hear(declared, OPENING + HOUR) == ["start late"]
    partner = Partner()
    partner.hear(declared, OPENING - 72 * HOUR)
    assert partner.hear(declared, OPENING + 3 * HOUR) == ["end late"]


def test_who_heard_of_nothing_is_not_told_that_it_is_over() -> None:
    assert Partner().hear(site(with_notice()), OPENING + 3 * HOUR) == []


def test_a_change_is_told_once_with_the_next_sequence_and_so_is_the_next_one() -> None:
    partner, declared = Partner(), site(with_notice())
    partner.hear(declared, OPENING - 72 * HOUR)
    partner.adjust(OPENING + 5 * HOUR)
    assert partner.hear(declared, OPENING - 48 * HOUR) == ["changed-1"]
    partner.adjust(OPENING + 6 * HOUR)
    assert partner.hear(declared, OPENING - 47 * HOUR) == ["changed-2"]
    assert partner.hear(declared, OPENING - 24 * HOUR) == ["before-24h"]
    assert [(notice.sequence, notice.announcement.until) for notice in partner.told] == [
        (0, OPENING + 2 * HOUR),
        (1, OPENING + 5 * HOUR),
        (2, OPENING + 6 * HOUR),
        (2, OPENING + 6 * HOUR),
    ]


def test_an_outage_that_opens_once_stays_the_same_where_it_is_moved() -> None:
    partner = Partner()
    partner.hear(site(with_notice()), OPENING - 72 * HOUR)
    moved = site(with_notice(start="2026-12-20T04:00"))
    assert partner.hear(moved, OPENING - 71 * HOUR) == ["changed-1"]
    assert len({notice.occurrence for notice in partner.told}) == 1
    assert partner.hear(moved, OPENING + 2 * HOUR) == []
    assert partner.hear(moved, OPENING + 19 * DAYS - HOUR) == ["before-1h@1220T0300 late"]


def test_cancelling_withdraws_and_what_comes_back_is_told_as_a_change() -> None:
    partner, declared = Partner(), site(with_notice())
    partner.hear(declared, OPENING - 72 * HOUR)
    partner.adjust(OPENING)
    assert partner.hear(declared, OPENING - 50 * HOUR) == ["cancelled-1"]
    assert partner.hear(declared, OPENING) == []
    partner.adjust(OPENING + 2 * HOUR)
    assert partner.hear(declared, OPENING - 24 * HOUR) == ["changed-2"]


def test_an_outage_that_is_no_longer_declared_is_withdrawn_from_who_heard_of_it() -> None:
    partner = Partner()
    partner.hear(site(with_notice()), OPENING - 72 * HOUR)
    assert partner.hear(site(), OPENING - 50 * HOUR) == ["cancelled-1"]
    assert partner.told[-1].kind is NoticeKind.CANCELLED
    assert partner.hear(site(), OPENING + 9 * HOUR) == []


def test_ending_early_is_told_as_the_end_with_the_time_it_had() -> None:
    partner, declared = Partner(), site(with_notice())
    partner.hear(declared, OPENING - HOUR)
    partner.hear(declared, OPENING)
    partner.adjust(OPENING + HOUR)
    assert partner.hear(declared, OPENING + HOUR) == ["end"]
    assert partner.told[-1].announcement.until == OPENING + HOUR


def test_each_opening_of_a_recurring_outage_is_told_by_itself() -> None:
    weekly = site(with_notice(["1h"], window={"cron": "0 2 * * sun", "duration": "1h", "timeZone": "Europe/Rome"}))
    partner = Partner()
    for hours in range(24 * 21):
        partner.hear(weekly, EPOCH + hours * HOUR)
    occurrences = [notice.occurrence for notice in partner.told]
    assert len(set(occurrences)) == 3
    assert [notice.edge for notice in partner.told] == ["before-1h", "start", "end"] * 3


def test_an_outage_begun_by_hand_is_told_at_once() -> None:
    begun = Outage("h", ("cp000",), window_at(EPOCH, 60), HAND_OVER, notice=Notice((), ("partner",)), actor="ann")
    assert Partner().hear(site(), EPOCH, begun) == ["start"]


def test_every_contact_is_told_once_and_one_that_is_gone_still_hears_of_what_it_was_told() -> None:
    hook = {"webhook": {"url": "https://partner.example/hook", "secret": {"fromEnv": "FWDCTL_SECRET_HOOK"}}}
    both = site(with_notice(["1h"]), contacts=[{"email": "noc@partner.example"}, hook])
    keys = [recipient.key for recipient in recipients_of(both, ["partner", "partner", "grid", "nobody"])]
    assert keys == [NOC, "webhook:https://partner.example/hook"]
    partner = Partner()
    assert partner.hear(both, OPENING - HOUR) == ["before-1h"] * 2
    assert partner.hear(site(with_notice(["1h"])), OPENING) == ["start"] * 2


def test_a_claim_made_elsewhere_is_not_made_again() -> None:
    declared = site(with_notice(["1h"]))
    here = notices_due(declared, [], [], [], OPENING - HOUR)
    there = notices_due(declared, [], [], [], OPENING - HOUR + timedelta(seconds=1))
    assert [notice.key for notice in here] == [notice.key for notice in there]
    assert replace(here[0]).sequence == 0


def test_times_are_told_in_the_zone_of_the_contact_and_a_zone_alone_is_no_change() -> None:
    here, there = [{"email": "noc@partner.example"}], [{"email": "noc@partner.example", "timeZone": "Asia/Tokyo"}]
    partner = Partner()
    partner.hear(site(with_notice(), contacts=there), OPENING - 2 * HOUR)
    assert [notice.announcement.zone for notice in partner.told if notice.status is Delivery.PENDING] == ["Asia/Tokyo"]
    assert partner.hear(site(with_notice(), contacts=here), OPENING - 2 * HOUR) == []
    assert partner.hear(site(with_notice(), contacts=here), OPENING - HOUR) == ["before-1h"]
    assert partner.told[-1].announcement.zone == "Europe/Rome"
