"""Notices: what a partner is told about one opening of an outage, once for each reason to tell it."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from reconciler.model.desired import SecretRef


class Delivery(StrEnum):
    """How far a notice has come."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """Given up after many attempts."""
    HELD = "held"
    """Too much at once: it goes out in a digest."""
    SUPERSEDED = "superseded"
    """Never sent: by the time it could be, a later one said more."""


class NoticeKind(StrEnum):
    """Why a partner is told."""

    BEFORE = "before"
    START = "start"
    END = "end"
    CHANGED = "changed"
    CANCELLED = "cancelled"


class Recipient(msgspec.Struct, frozen=True):
    """One contact of a back-end: a mail address, or a URL with the secret that signs what is posted there."""

    backend: str
    kind: Literal["email", "webhook"]
    to: str
    secret: SecretRef | None = None
    zone: str = ""
    """IANA name of the zone that they read times in; "" for the outage's own."""

    @property
    def key(self) -> str:
        """Return what tells recipients apart."""
        return f"{self.kind}:{self.to}"


class Announcement(msgspec.Struct, frozen=True):
    """What is told about an opening; the same announcement need not be told twice."""

    outage: str
    opening: datetime
    until: datetime
    zone: str
    chargers: tuple[str, ...]
    reason: str = ""


class OutageNotice(msgspec.Struct, frozen=True):
    """One message to one recipient; (`occurrence`, `edge`, `recipient.key`) is claimed once, by whichever node.

    `occurrence` names the opening for good, even where it moves. `edge` is `before-72h`, `start`, `end`,
    `changed-1`, `cancelled-2`. `sequence` counts how often the announcement changed. `late`: less than the agreed
    time was left.
    """

    occurrence: str
    edge: str
    recipient: Recipient
    kind: NoticeKind
    announcement: Announcement
    claimed_at: datetime
    next_at: datetime
    sequence: int = 0
    late: bool = False
    status: Delivery = Delivery.PENDING
    attempts: int = 0
    error: str = ""

    @property
    def key(self) -> str:
        """Return what makes it the same message wherever and however often it is sent."""
        return f"{self.occurrence}/{self.edge}/{self.recipient.key}"
