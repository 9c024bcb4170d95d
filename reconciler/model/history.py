"""History: every change is an event: who, what, why, when, with what result."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


class HistoryEvent(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened.

    `kind` is one of apply, flip, flip-refused, pause, resume, toggle, toggle-extended, toggle-ended,
    station-connected, station-gone, serial-mismatch, token-created, token-revoked, api-call, security-event,
    leg-up, leg-down, drift-healed, outage-begun, outage-cancelled, outage-extended, failover, failover-ended,
    notice, notice-failed, operation, leg-changed, leg-change-confirmed, leg-change-failed, leg-change-overtaken,
    certificate-issued, certificate-not-issued, notification, notification-failed, load-limit, load-exceeded,
    load-kept. `charger` is "" for what concerns no single charger; `details` holds JSON values and never a secret.
    `seq` is given by the store.
    """

    at: datetime
    kind: str
    summary: str
    charger: str = ""
    actor: str = ""
    reason: str = ""
    revision: int | None = None
    details: Mapping[str, Any] = msgspec.field(default_factory=dict)
    seq: int = 0
