"""Notifications as values."""

from msgspec.structs import replace

from reconciler.model.notices import Delivery, Recipient
from reconciler.model.notifications import Edge, Notification
from tests.support.clock import EPOCH

TOLD = Notification(
    "faults", "flip/cp1", Edge.BEGUN, Recipient("faults", "email", "a@b"), "flip", "cp1", "x", EPOCH, EPOCH, EPOCH
)


def test_the_key_is_that_of_the_message_however_often_it_is_sent() -> None:
    assert TOLD.key == replace(TOLD, attempts=3, status=Delivery.SENT).key == "faults/flip/cp1/begun/email:a@b"


def test_what_says_that_it_is_over_knows_what_told_that_it_began() -> None:
    over = replace(TOLD, edge=Edge.OVER)
    assert over.begun_key == TOLD.key != over.key
