"""Notifications: what `local` tells by a NotificationRule, and what it does not tell because another is in charge."""

from datetime import datetime
from enum import StrEnum

import msgspec

from reconciler.model.notices import Delivery, Recipient


class Edge(StrEnum):
    """Why somebody is told of a trouble."""

    BEGUN = "begun"
    OVER = "over"
    DIGEST = "digest"
    """What was held back for being too much at once."""


class Notification(msgspec.Struct, frozen=True):
    """One message of a rule to one recipient; (`rule`, `trouble`, `edge`, `recipient.key`) is claimed once.

    `trouble` names what happened for good: "charger-offline/cp001/20261126T180000Z". `charger` is "" for what concerns
    several; `at` is when it happened.
    """

    rule: str
    trouble: str
    edge: Edge
    recipient: Recipient
    event: str
    charger: str
    summary: str
    at: datetime
    claimed_at: datetime
    next_at: datetime
    status: Delivery = Delivery.PENDING
    attempts: int = 0
    error: str = ""

    @property
    def key(self) -> str:
        """Return what makes it the same message wherever and however often it is sent."""
        return f"{self.rule}/{self.trouble}/{self.edge.value}/{self.recipient.key}"

    @property
    def begun_key(self) -> str:
        """Return the key of the message that told of the same trouble first."""
        return f"{self.rule}/{self.trouble}/{Edge.BEGUN.value}/{self.recipient.key}"


class Suppressed(msgspec.Struct, frozen=True):
    """How often a rule did not tell about an event because `owner` owns its feature, and when last."""

    rule: str
    event: str
    owner: str
    count: int
    last_at: datetime
