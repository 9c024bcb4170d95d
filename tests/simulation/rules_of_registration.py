"""Each CSMS leg looks like one well-behaved charger: boot, statuses, heartbeats (R9)."""

from collections import Counter
from collections.abc import Iterator

from tests.simulation.history import CALL, CALLRESULT, INPUTS, Record, Said, What, payload_of, said
from tests.simulation.rules_of_calls import SLACK_S
from tests.simulation.scene import Scene
from tests.simulation.scenery import CALL_TIMEOUT_S, LIMITS


class Registrations:
    """BootNotification first and accepted, then statuses, then heartbeats at that back-end's own interval."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.resumed: set[int] = set()
        self.interval_s: dict[str, float] = {}
        self.heard: dict[str, float] = {}
        self.beat: dict[str, float] = {}
        self.proofs: Counter[str] = Counter()
        self.early: dict[str, str] = {}
        self.retry: dict[str, tuple[float, str]] = {}

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        scene = self.scene
        if record.what in INPUTS:
            yield from self.early.values()
            self.early.clear()
        yield from self._silence(record)
        frame = said(record.raw) if record.raw else None
        if record.what in (What.LEG_CLOSED, What.CLOSE_LEG, What.REDIAL_LEG, What.LEG_OPENED):
            self._forget(record.who)
        elif record.what in (What.STATION_CLOSED, What.KILLED):
            for name in list(scene.connections):
                self._forget(name)
        elif record.what is What.STEPPED:
            was, now = scene.desired.owners, scene.tables[record.number].owners
            self.proofs.update({owner for feature, owner in now.items() if was[feature] != owner})
            self.proofs.subtract(self.early.keys())
            self.early.clear()
        elif record.what is What.LEG_OUT and frame is not None and frame.kind == CALL:
            yield from self._sent(record, frame)
        elif record.what is What.LEG_IN and frame is not None:
            self._boot_answered(record, frame)
        elif record.what is What.STATION_IN and frame is not None and frame.action == "BootNotification":
            self.retry.clear()  # its own boot is told to everybody who has not accepted one

    def _forget(self, name: str) -> None:
        for table in (self.interval_s, self.heard, self.beat, self.retry):
            table.pop(name, None)
        self.proofs.pop(name, None)

    def _sent(self, record: Record, frame: Said) -> Iterator[str]:
        scene, backend = self.scene, record.who
        self.heard[backend] = record.at
        if frame.action == "BootNotification":
            due, refused = self.retry.pop(backend, (record.at, ""))
            if (
                record.at < due - SLACK_S and frame.trace == refused and scene.is_replay(record, frame)
            ):  # a newer boot of the station goes at once
                yield f"R9: BootNotification again before {due:.3f}"
            if scene.is_replay(record, frame) and payload_of(record.raw) != scene.boot:
                yield "R9: not the station's last BootNotification"
            return
        if backend not in scene.registered:
            yield from self._before_acceptance(record, frame)
            return
        waiting = scene.to_replay.get(backend)
        since = scene.registered[backend]
        if waiting and not scene.is_replay(record, frame) and record.at < since + LIMITS.copy_age_max_s:
            yield f"R9: {len(waiting)} connectors' statuses come first"
        if frame.action == "Heartbeat":
            self._beats(record, frame)

    def _before_acceptance(self, record: Record, frame: Said) -> Iterator[str]:
        scene, backend = self.scene, record.who
        connection = scene.connections.get(backend, 0)
        if scene.boot is None and scene.desired.owners["provisioning"] == backend:
            self.resumed.add(connection)
        call = scene.calls.get(frame.trace)
        own = call is not None and call.owner == backend and not scene.is_replay(record, frame)
        registrars = (call.registrar if call is not None else "", scene.desired.owners["provisioning"])
        if connection not in self.resumed and not (own and backend in registrars):
            yield f"R9: {frame.action} before {backend} accepted a BootNotification"

    def _beats(self, record: Record, frame: Said) -> None:
        backend = record.who
        before, self.beat[backend] = self.beat.get(backend), record.at
        if frame.trace or before is None:
            return
        early = record.at < before + self.interval_s.get(backend, 0.0) - SLACK_S
        if early and self.proofs[backend] > 0:
            self.proofs[backend] -= 1
        elif early:
            self.early[backend] = f"R9: a Heartbeat to {backend} {record.at - before:.3f} s after the last"

    def _boot_answered(self, record: Record, frame: Said) -> None:
        under_way = self.scene.answered_by(record, frame)
        if under_way is None or under_way.action != "BootNotification" or frame.kind != CALLRESULT:
            return
        interval = float(frame.payload.get("interval", 0))
        if frame.payload.get("status") == "Accepted":
            self.interval_s[record.who] = interval
            self.beat[record.who] = self.heard[record.who] = record.at
        elif under_way.replay:
            wait_s = max(interval or LIMITS.boot_retry_default_s, LIMITS.boot_retry_min_s)
            self.retry[record.who] = record.at + wait_s, under_way.trace

    def _silence(self, record: Record) -> Iterator[str]:
        scene = self.scene
        if not scene.station_open:
            return
        for name, interval in self.interval_s.items():
            quiet_s = record.at - self.heard[name]
            if interval and name in scene.registered and quiet_s > 2.2 * interval + 2 * CALL_TIMEOUT_S:
                self.heard[name] = record.at
                yield f"R9: nothing said to {name} for {quiet_s:.0f} s, its interval is {interval:g} s"
        for name, (due, _) in list(self.retry.items()):
            free = name not in scene.up and not scene.half_duplex(name)
            if record.at > due + SLACK_S and free and record.what in INPUTS:
                del self.retry[name]
                yield f"R9: BootNotification was due again at {name} at {due:.3f}"
