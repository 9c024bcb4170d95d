"""Standing in for an owner that stays away: neither early nor late, and back as the rule has it (R11, `failover`)."""

from collections.abc import Iterator
from typing import Final

from reconciler.model.desired import DesiredCharger
from reconciler.planning.failover import patience_with
from tests.simulation.history import INPUTS, Record, What
from tests.simulation.scene import Scene
from tests.simulation.scenery import TICK_S

_SLACK_S: Final = 2 * TICK_S
"""The controller looks every TICK_S, and sees what lasts that long."""


class Failovers:
    """Who is away for the time that the rule names is stood in for; who is back for as long gets its charger back."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.declared: DesiredCharger | None = None
        self.in_force: dict[str, str] = {}
        """Back-end -> auto or manual."""
        self.wanted: DesiredCharger | None = None
        """What the charger is to run, whether or not it does."""
        self.overridden = False
        self.watched_since = 0.0
        """Since when the controller has looked at this charger's session under these specs."""
        self.gone: dict[str, float] = {}
        """When a back-end was last seen to have no connection."""
        self.gaps: dict[str, tuple[float, float]] = {}
        """Where it has none: since when, and when that was last tried."""
        self.away: dict[str, float] = {}
        """Since when one that is dialled is not connected."""
        self.lost: dict[str, float] = {}
        """When one last broke that had been of use for long enough to be seen."""
        self.began_at = self.ended_at = self.booted_at = 0.0

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what in INPUTS and self.scene.station_open and self.declared is not None:
            yield from self._overdue(record, self.declared)
        self._connections(record)
        if record.what in (What.BEGAN, What.WANTED):
            self.wanted = record.desired
        match record.what:
            case What.DECLARED:
                self.declared, self.watched_since = record.desired, record.at
            case What.OVERRIDDEN:
                self.overridden, self.watched_since = bool(record.number), record.at
            case What.FAILOVER:
                yield from self._begun(record)
            case What.FAILOVER_ENDED:
                yield from self._ended(record)
            case What.WANTED if record.desired is not None and not self.overridden:
                for name in self.in_force.keys() & set(record.desired.owners.values()):
                    yield f"R11: {name} is stood in for, and is to own something"

    def _connections(self, record: Record) -> None:
        match record.what:
            case What.STATION_CLOSED:
                self.ended_at = record.at
            case What.BEGAN | What.KILLED:
                self.watched_since = record.at
                if record.what is What.KILLED or record.at > self.ended_at + TICK_S:
                    self.began_at = record.at  # else the controller may not have seen that it was gone
                self.away.clear()
            case What.STATION_IN if b'"BootNotification"' in record.raw:
                self.booted_at = record.at  # every back-end is asked anew
            case What.LEG_OPENED:
                self.away.pop(record.who, None)
                since, tried = self.gaps.pop(record.who, (record.at, 0.0))
                if record.at > since + TICK_S:  # else nobody may have seen it
                    self.gone[record.who] = tried
            case What.LEG_CLOSED | What.REDIAL_LEG | What.CLOSE_LEG | What.OPEN_LEG | What.DIAL_FAILED:
                self.gaps[record.who] = self.gaps.get(record.who, (record.at, 0.0))[0], record.at
                self.away.setdefault(record.who, record.at)
                if record.at > self._there_since(record) + TICK_S:
                    self.lost[record.who] = record.at

    def _there_since(self, record: Record) -> float:
        """Return since when a back-end has been of use; the record's own time where it is not."""
        since = self.scene.registered.get(record.who, record.at)
        return since if since > self.booted_at else record.at

    def _begun(self, record: Record) -> Iterator[str]:
        name, declared = record.who, self.declared
        patience = patience_with(declared, name) if declared is not None else None
        if declared is None or declared.failover is None or patience is None:
            yield f"R11: nobody is to stand in for {name}"
            return
        self.in_force[name] = declared.failover.back
        if record.at > self._there_since(record) + TICK_S:
            yield f"R11: {name} is there"
        if record.at < max(self.began_at, self.lost.get(name, 0.0)) + patience.down_after_s:
            yield f"R11: {name} is not away for {patience.down_after_s:g} s"

    def _ended(self, record: Record) -> Iterator[str]:
        name, back = record.who, self.in_force.pop(record.who, "")
        patience = patience_with(self.declared, name) if self.declared is not None else None
        if " is back " not in record.text or patience is None:
            return
        if back != "auto":
            yield f"R11: {name} came back by itself"
        if record.at < self.gone.get(name, 0.0) + patience.up_after_s - TICK_S:
            yield f"R11: {name} is not back for {patience.up_after_s:g} s"

    def _overdue(self, record: Record, declared: DesiredCharger) -> Iterator[str]:
        scene = self.scene
        for name in set(declared.owners.values()) - self.in_force.keys():
            patience, wanted = patience_with(declared, name), self.wanted
            away = self.away.get(name) if wanted is not None and name in wanted.owners.values() else None
            since = max(self.watched_since, record.at if away is None else away)
            if patience is not None and record.at > since + patience.down_after_s + _SLACK_S:
                self.watched_since = record.at
                yield f"R11: nobody stands in for {name}, away since {since:.3f}"
        for name, back in self.in_force.items():
            patience = patience_with(declared, name)
            since = max(self.watched_since, scene.registered.get(name, record.at))
            if patience is not None and back == "auto" and record.at > since + patience.up_after_s + _SLACK_S:
                self.watched_since = record.at
                yield f"R11: {name} is back since {since:.3f} and does not get its charger"
