"""Delivering: taken by one, tried again, given up; whatever kind of message it is (see test_notifying for notices)."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.app.delivering import Delivering, Message, NotDelivered
from reconciler.model.notices import Delivery, Recipient
from reconciler.model.notifications import Edge, Notification
from tests.support.clock import EPOCH, FakeClock

MAIL = Recipient("faults", "email", "ops@depot.example")
TOLD = Notification("faults", "flip/1", Edge.BEGUN, MAIL, "flip", "cp1", "cp1 changed hands", EPOCH, EPOCH, EPOCH)


class Box:
    """An outbox and a courier in one; `trouble` is why nothing can be delivered."""

    def __init__(self, *kept: Notification, trouble: str = "") -> None:
        self.kept = {one.key: one for one in kept}
        self.trouble = trouble
        self.sent: list[str] = []
        self.ends: list[str] = []

    async def update(self, parcel: Notification, seen: Notification) -> bool:
        if self.kept[seen.key] != seen:
            return False
        self.kept[seen.key] = parcel
        return True

    def message(self, parcel: Notification) -> Message:
        return Message(parcel, parcel.summary, "text", "")

    async def concluded(self, parcel: Notification, failure: str) -> None:
        self.ends.append(failure)

    async def deliver(self, message: Message) -> None:
        if self.trouble:
            raise NotDelivered(self.trouble)
        self.sent.append(message.subject)


async def test_what_is_pending_and_due_is_sent_once_however_many_try() -> None:
    held, later = (
        replace(TOLD, status=Delivery.HELD, trouble="a"),
        replace(TOLD, next_at=EPOCH + timedelta(1), trouble="b"),
    )
    box = Box(TOLD, held, later)
    for _ in range(2):
        await Delivering[Notification](box, {"email": box}, FakeClock()).deliver([TOLD, held, later])
    assert (box.sent, box.ends) == (["cp1 changed hands"], [""])
    assert box.kept[TOLD.key].status is Delivery.SENT


async def test_it_is_tried_again_later_and_later_and_given_up_in_the_end() -> None:
    box, clock, waits = Box(TOLD, trouble="no such user"), FakeClock(), []
    while (kept := box.kept[TOLD.key]).status is Delivery.PENDING:
        await Delivering[Notification](box, {"email": box}, clock).deliver([kept])
        wait_s = (box.kept[TOLD.key].next_at - clock.now()).total_seconds()
        waits.append(wait_s)
        clock.advance(wait_s)
    assert waits[:4] == [30, 60, 120, 240]
    assert (len(waits), box.ends) == (10, ["no such user"])
    assert box.kept[TOLD.key].status is Delivery.FAILED


async def test_a_server_without_such_a_courier_says_so() -> None:
    box = Box(TOLD)
    await Delivering[Notification](box, {}, FakeClock()).deliver([TOLD])
    assert box.kept[TOLD.key].error == "this server can't send email: fwdctl serve --smtp URL"
