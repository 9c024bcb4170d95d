"""The words of a notice."""

from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.model.notices import Announcement, NoticeKind, OutageNotice, Recipient
from reconciler.planning.notice_text import body, subject

AT = datetime(2026, 12, 1, 1, tzinfo=UTC)
TOLD = Announcement("scheduled-outage.x", AT, AT.replace(hour=3), "Europe/Rome", ("cp1", "cp2"), "firmware")
NOTICE = OutageNotice("x/1", "before-1h", Recipient("p", "email", "a@b.example"), NoticeKind.BEFORE, TOLD, AT, AT)


def test_the_subject_says_what_when_and_how_many_in_the_zone_of_the_outage() -> None:
    assert subject(NOTICE) == "Planned outage: 2026-12-01 02:00 to 04:00 CET, 2 charging stations"
    over_night = replace(NOTICE, announcement=replace(TOLD, until=AT.replace(hour=23, minute=30), chargers=("cp1",)))
    assert subject(over_night) == "Planned outage: 2026-12-01 02:00 to 2026-12-02 00:30 CET, 1 charging station"


def test_the_text_says_why_whom_to_ask_and_which_stations() -> None:
    text = body(NOTICE, "noc@relay.example")
    for line in (
        "When:    2026-12-01 02:00 to 04:00 CET",
        "         2026-12-01 01:00 to 2026-12-01 03:00 UTC",
        "Why:     firmware",
        "Contact: noc@relay.example",
        "  cp2",
    ):
        assert line in text.splitlines()
    assert "late" not in text
    assert "This notice is late" in body(replace(NOTICE, late=True), "")


def test_thousands_of_stations_are_counted_not_listed() -> None:
    many = replace(NOTICE, announcement=replace(TOLD, chargers=tuple(f"cp{number}" for number in range(5000))))
    assert body(many, "").splitlines()[-1] == "  and 4960 more"


def test_every_kind_has_its_own_words() -> None:
    texts = {body(replace(NOTICE, kind=kind), "") for kind in NoticeKind}
    assert len(texts) == len(NoticeKind)
