"""A simulated station: boots, charges, reports, answers commands, and misbehaves as its manners say."""

import itertools
import json
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.csms import GARBAGE
from tests.simulation.history import CALL, CALLERROR, CALLRESULT, Said, What, said
from tests.simulation.scenery import StationManners

if TYPE_CHECKING:
    from tests.simulation.network import Connection
    from tests.simulation.site import Site

TIMEOUT_S: Final = 30.0
REPORTS: Final = (
    "Heartbeat",
    "StatusNotification",
    "Authorize",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SignCertificate",
    "transaction",
    "transaction",
)


class SimulatedStation:
    """One charger; it remembers its transaction from connection to connection."""

    def __init__(self, site: "Site", manners: StationManners) -> None:
        self.site, self.manners = site, manners
        self.world, self.rng, self.clock = site.world, site.rng, site.clock
        self.numbers = itertools.count(1)
        self.wire: Connection | None = None
        self.booted = False
        self.open: dict[bytes, tuple[str, str, float]] = {}
        self.transaction: tuple[str, Any] | None = None
        self.reserved: list[int] = []
        self.logs: list[int] = []
        self.list_version = 0

    # -- connections -------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect, and go on where the last connection ended."""
        self.open.clear()
        if not self.world.relay_up:
            self.disconnected()
            return
        self.wire = self.site.connect()
        if (not self.booted and self.rng.random() < 0.9) or self.rng.random() < 0.3:
            self._call("BootNotification", {"chargePointModel": "M1"})
            self._ill_timed(0.2)
        self._plan()

    def disconnected(self) -> None:
        """The socket is gone; come back after a while."""
        self.wire = None
        if self.world.busy:
            self.clock.after(self.rng.uniform(0.5, 20), self.connect)

    def _ill_timed(self, chance: float) -> None:
        """Have the roles change just now."""
        if self.rng.random() < chance:
            self.clock.after(self.rng.uniform(0, 0.3), self.world.flipper(self.site))

    def _send(self, raw: bytes) -> None:
        if self.wire is not None:
            self.wire.up.carry(lambda: self.site.from_station(raw))

    # -- what it does by itself --------------------------------------------------------------------------------

    def _plan(self) -> None:
        wire = self.wire
        self.clock.after(self.rng.expovariate(1 / self.manners.pause_s), lambda: self._step(wire))

    def _step(self, wire: "Connection | None") -> None:
        if wire is None or self.wire is not wire or not self.world.busy:
            return
        self._plan()
        self.open = {token: call for token, call in self.open.items() if self.clock.now < call[2] + TIMEOUT_S}
        if self.rng.random() < self.manners.leaves:
            self.site.station_gone("the station left")
            return
        if self.rng.random() < self.manners.garbage:
            self._send(self.rng.choice(GARBAGE))
        if not self.open or (self.rng.random() < self.manners.hasty and len(self.open) < 3):
            self._report()

    def _report(self) -> None:
        action = self.rng.choice(REPORTS)
        if self.site.version == "ocpp2.1" and self.rng.random() < 0.2:
            trace = self._trace()
            self._send(f'[6,"{trace}","NotifyPeriodicEventStream",{{"trace":"{trace}"}}]'.encode())
        elif action == "transaction":
            self._transaction_step()
        elif action == "LogStatusNotification":
            self._log_step()
        elif action == "StatusNotification":
            status = self.rng.choice(["Available", "Preparing", "Faulted"])
            self._call(action, {"connectorId": self.rng.randint(0, 2), "status": status})
        else:
            self._call(action, {"idTag": "A"} if action == "Authorize" else {})

    def _log_step(self) -> None:
        if self.logs:
            self._call("LogStatusNotification", {"status": "Uploading", "requestId": self.rng.choice(self.logs)})

    def _transaction_step(self) -> None:
        if self.site.version != "ocpp1.6":
            kind = "Started" if self.transaction is None else self.rng.choice(["Updated", "Ended"])
            name = self.transaction[1] if self.transaction else self._trace()
            self.transaction = None if kind == "Ended" else ("", name)
            self._call("TransactionEvent", {"eventType": kind, "transactionInfo": {"transactionId": name}})
        elif self.transaction is None:
            reserved = {"reservationId": self.reserved.pop()} if self.reserved else {}
            self._call("StartTransaction", {"connectorId": 1, "idTag": "A"} | reserved)
        elif self.rng.random() < 0.6:
            of, id_ = self.transaction
            self._call("MeterValues", {"of": of, "connectorId": 1, "transactionId": id_})
        else:
            of, id_ = self.transaction
            self.transaction = None
            self._call("StopTransaction", {"transactionId": id_, "of": of})
        self._ill_timed(0.1)

    def _call(self, action: str, payload: dict[str, Any]) -> None:
        trace = self._trace()
        token = f'"{trace}"'
        if self.rng.random() < self.manners.odd_ids:
            token = self.rng.choice(
                [str(next(self.numbers)), f'"{trace}{"x" * 40}"', f'"\\u0041{trace}"', f"{next(self.numbers)}.50"]
            )
        text = json.dumps({"trace": trace} | payload, separators=(",", ":"))
        raw = f'[2,{self.rng.choice(["", " "])}{token},"{action}" ,{text}]'.encode()
        self.open[token.encode()] = (action, trace, self.clock.now)
        self._send(raw)
        if self.rng.random() < self.manners.repeats and action in ("Authorize", "StatusNotification", "Heartbeat"):
            self._send(raw)

    def _trace(self) -> str:
        return f"{self.site.name}.{next(self.numbers)}"

    # -- what it does when spoken to ---------------------------------------------------------------------------

    def receive(self, raw: bytes) -> None:
        """Take one frame of the relay."""
        frame = said(raw)
        if frame is None:
            return
        if frame.kind == CALL:
            if self.rng.random() >= self.manners.silent:
                wire = self.wire
                self.clock.after(self.rng.uniform(0.01, self.manners.slow_s), lambda: self._answer(wire, frame))
            elif self.rng.random() < 0.5:
                self._obey(frame)  # and never says so
            return
        if frame.kind not in (CALLRESULT, CALLERROR):
            return
        action, trace, _ = self.open.pop(frame.token, ("", "", 0.0))
        if action == "BootNotification" and frame.payload.get("status") == "Accepted":
            self.booted = True
        elif action == "BootNotification":
            self.clock.after(10, self._boot_again)
        elif action == "StartTransaction" and frame.kind == CALLRESULT:
            self.transaction = (trace, frame.payload.get("transactionId"))
        if self.site.version == "ocpp2.1" and frame.kind == CALLRESULT and frame.trace and self.rng.random() < 0.05:
            self._send(b'[5,%b,"FormatViolation","",{"trace":"about %b"}]' % (frame.token, frame.trace.encode()))

    def _boot_again(self) -> None:
        if self.wire is not None and self.world.busy and not self.booted:
            self._call("BootNotification", {"chargePointModel": "M1"})

    def _answer(self, wire: "Connection | None", frame: Said) -> None:
        if wire is None or self.wire is not wire:
            return
        trace = self._trace()
        if self.rng.random() < 0.1:
            code = self.rng.choice([b"NotSupported", b"InternalError"])
            self._send(b'[4,%b,"%b","",{"trace":"%b"}]' % (frame.token, code, trace.encode()))
            return
        said = json.dumps(self._obey(frame) | {"trace": trace}).replace('"trace": ', '"trace":')
        self._send(b"[3, %b,%b]" % (frame.token, said.encode()))

    def _obey(self, frame: Said) -> dict[str, Any]:
        """Do what a command says and return the answer to it."""
        old, asked = self.site.version == "ocpp1.6", frame.payload
        version = "listVersion" if old else "versionNumber"
        match frame.action:
            case "GetLocalListVersion":
                return {version: self.list_version}
            case "SendLocalList" if asked.get(version, 0) <= self.list_version:
                return {"status": "VersionMismatch"}
            case "SendLocalList":
                self.list_version = asked[version]
                self.site.write(What.TOOK_LIST, number=self.list_version)
            case "ReserveNow":
                self.reserved.append(asked.get("reservationId", asked.get("id")))
            case "GetLog":
                self.logs.append(asked["requestId"])
        return {"status": "Accepted"}
