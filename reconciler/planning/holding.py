"""Holding back: a declared change of a live charger waits for its change windows; what holds for a while does not.

A failover, an outage and a toggle begin and end whatever the windows say: they were set to their instants, and an
owner that is away, or a technician at work, does not wait for the night. Nor does the healing of drift: it brings back
what was let in before.
"""

from datetime import datetime

from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger
from reconciler.planning.change_windows import ChangeWindows
from reconciler.planning.drift import Asked
from reconciler.planning.effects import effects_of
from reconciler.planning.guard import disrupted


def held_back(
    windows: ChangeWindows,
    asked: Asked | None,
    wanted: DesiredCharger | None,
    live: LiveCharger | None,
    now: datetime,
) -> str:
    """Return what keeps `wanted` from a charger at `now`, in words; "" where it may run.

    `asked` is what the relay was last asked for, `live` how the charger runs.
    """
    subject = wanted or (asked.desired if asked is not None else None)
    if not windows or subject is None or live is None or not live.connected:
        return ""
    if not _is_declared_change(asked, wanted, live) or not _disrupts(asked, wanted, live):
        return ""
    closed = windows.closed(subject, now)
    if closed is None:
        return ""
    until = f", until {closed.eligible_at:%Y-%m-%d %H:%M} UTC" if closed.eligible_at is not None else ""
    return f"waits for its change window: {closed.obstacle}{until}"


def _is_declared_change(asked: Asked | None, wanted: DesiredCharger | None, live: LiveCharger) -> bool:
    ran_it = asked is not None and asked.confirmed
    if ran_it and asked is not None and asked.desired == wanted:
        return False
    because = asked.desired.because if ran_it and asked is not None and asked.desired is not None else live.because
    return because == (wanted.because if wanted is not None else "")


def _disrupts(asked: Asked | None, wanted: DesiredCharger | None, live: LiveCharger) -> bool:
    before = asked.desired if asked is not None else None
    if before is None:
        return wanted is None or live.owners != wanted.owners
    if before == wanted:
        return True  # asked for before, and not there yet
    after = {live.name: wanted} if wanted is not None else {}
    return bool(disrupted(effects_of({live.name: before}, after, {live.name: live})))
