"""Notices as values: what makes one the same."""

from msgspec.structs import replace

from reconciler.model.notices import Announcement, Delivery, NoticeKind, OutageNotice, Recipient
from tests.support.clock import EPOCH


def test_a_notice_is_the_same_however_often_it_was_tried() -> None:
    told = Announcement("scheduled-outage.x", EPOCH, EPOCH, "UTC", ("cp1",))
    to = Recipient("partner", "email", "noc@partner.example")
    notice = OutageNotice("x/1", "start", to, NoticeKind.START, told, EPOCH, EPOCH)
    assert notice.key == "x/1/start/email:noc@partner.example"
    assert replace(notice, attempts=3, status=Delivery.SENT).key == notice.key
    assert replace(notice, recipient=replace(to, to="ops@partner.example")).key != notice.key
