"""Outages for tests: documents and values, all of a firmware night that the partner hands over to local."""

from datetime import datetime
from typing import Any

from reconciler.model.documents import Document
from reconciler.model.outages import Adjustment, Outage
from reconciler.model.windows import Window, one_off, recurring
from tests.support.clock import EPOCH
from tests.support.specs import document

HAND_OVER = {"partner": "passive", "local": "primary"}
ROME = "Europe/Rome"


def outage_document(
    name: str = "firmware", start: str = "2026-12-01T04:00", duration: str = "2h", **spec: Any
) -> Document:
    """Return a ScheduledOutage of the chargers at depot a; `start` is in Rome, one hour ahead of UTC in winter."""
    fields: dict[str, Any] = {
        "chargers": {"labels": {"site": "a"}},
        "window": {"start": start, "duration": duration, "timeZone": ROME},
        "roles": HAND_OVER,
        "reason": "quarterly firmware",
    }
    return document("ScheduledOutage", name, **{**fields, **spec})


def weekly(name: str = "weekly", cron: str = "0 2 * * sun", hours: int = 2) -> Outage:
    """Return an outage of cp1 every Sunday at 2 in Rome."""
    return Outage(name, ("cp1",), recurring(cron, ROME, hours * 3600), HAND_OVER)


def once(name: str = "once", start: str = "2026-12-01T03:00Z", hours: int = 2, actor: str = "") -> Outage:
    """Return an outage of cp1 that opens once."""
    return Outage(name, ("cp1",), one_off(start, "UTC", hours * 3600), HAND_OVER, actor=actor)


def adjusted(outage: Outage, opening: datetime, until: datetime) -> Adjustment:
    """Return that ann lets the opening of `outage` at `opening` end at `until`."""
    return Adjustment(outage.name, opening, until, "because", "ann", EPOCH)


def window_at(start: datetime, duration_s: int) -> Window:
    """Return the window that opens once at `start`."""
    return Window(duration_s, start=start)
