"""A simulated CSMS: answers, commands, and misbehaves as its manners say."""

import itertools
import json
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.history import CALL, CALLERROR, CALLRESULT, said
from tests.simulation.scenery import CsmsManners

if TYPE_CHECKING:
    from tests.simulation.network import Connection
    from tests.simulation.site import Site
    from tests.simulation.world import World

CHOSEN: Final = (
    "ReserveNow",
    "CancelReservation",
    "GetLog",
    "SendLocalList",
    "GetLocalListVersion",
    "ChangeAvailability",
)
"""Commands of every version that bring ids of the back-end's choosing, or leave something in the station."""
TERMINATED: Final = {
    "ocpp1.6": ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "0001"}),
    "ocpp2.0.1": ("SetNetworkProfile", {"configurationSlot": 1}),
    "ocpp2.1": ("SetNetworkProfile", {"configurationSlot": 1}),
}
"""What would change the station's own leg (R13)."""
COMMANDS: Final = {
    "ocpp1.6": (
        "Reset",
        "ClearCache",
        "UnlockConnector",
        "GetConfiguration",
        "SetChargingProfile",
        "ClearChargingProfile",
    ),
    "ocpp2.0.1": (
        "Reset",
        "ClearCache",
        "UnlockConnector",
        "GetTransactionStatus",
        "SetChargingProfile",
        "ClearChargingProfile",
        "GetReport",
    ),
    "ocpp2.1": ("Reset", "ClearCache", "UnlockConnector", "GetTransactionStatus", "SetChargingProfile", "GetTariffs"),
}
GARBAGE: Final = (
    b"garbage",
    b'[2,"garbage"',
    b'[2,"garbage-1","Reset",5]',
    b'[3,"garbage",{"trace":"garbage"}]',
    b'[9,"garbage",{}]',
    b'[4,"garbage",5,"",{}]',
    b"[" * 3000,
    b'{"garbage":1}',
)


class SimulatedCsms:
    """One back-end and all its connections."""

    def __init__(self, world: "World", name: str, manners: CsmsManners) -> None:
        self.world, self.name, self.manners = world, name, manners
        self.numbers = itertools.count(1)
        self.transactions = itertools.count(1)
        self.up = True
        self.shaky_until = 0.0
        """Just back from an outage it answers badly."""
        self.connections: list[CsmsConnection] = []

    def begin(self) -> None:
        """Start having outages, where it has any."""
        if self.manners.outage:
            self.world.clock.after(self.world.rng.uniform(20, 120), self._outage)

    def _outage(self) -> None:
        rng = self.world.rng
        if not self.world.busy:
            return
        self.up = False
        for connection in list(self.connections):
            connection.drop()
        self.world.clock.after(rng.uniform(1, self.manners.outage_s), self._back)

    def _back(self) -> None:
        self.up = True
        self.shaky_until = self.world.clock.now + self.world.rng.choice([0.0, 60.0])
        self.world.clock.after(self.world.rng.uniform(20, 200), self._outage)

    def reachable(self) -> bool:
        """Return True where it takes connections now."""
        return self.up

    def accept(self, site: "Site", connection: "Connection") -> "CsmsConnection":
        """Take a connection."""
        made = CsmsConnection(self, site, connection)
        self.connections.append(made)
        return made


class CsmsConnection:
    """One charger's connection at a CSMS."""

    def __init__(self, csms: SimulatedCsms, site: "Site", connection: "Connection") -> None:
        self.csms, self.site, self.connection = csms, site, connection
        self.world, self.rng, self.manners = csms.world, csms.world.rng, csms.manners
        self.seen: set[bytes] = set()
        self.boots = 0
        self.ids = itertools.count(1)
        self.open_commands: set[bytes] = set()
        self.answering = False
        self.transactions: list[int] = []
        self._plan_command()

    def closed(self) -> None:
        """The relay hung up, or the network did."""
        if self in self.csms.connections:
            self.csms.connections.remove(self)

    def drop(self) -> None:
        """Close the connection from this side."""
        self.closed()
        self.site.leg_lost(self.csms.name, self.connection)

    def send(self, raw: bytes) -> None:
        """Send one frame."""
        if self.connection.open:
            self.connection.down.carry(lambda: self.site.from_csms(self.csms.name, self.connection, raw))

    # -- answering ---------------------------------------------------------------------------------------------

    def receive(self, raw: bytes) -> None:
        """Take one frame of the relay."""
        frame = said(raw)
        if frame is None:
            return
        if frame.kind in (CALLRESULT, CALLERROR):
            self.open_commands.discard(frame.token)
        if frame.kind != CALL:
            return
        if self.rng.random() < self.manners.closes or (self.manners.refuses_duplicates and frame.token in self.seen):
            self.drop()
            return
        self.seen.add(frame.token)
        if self.rng.random() < self._or_shaky(self.manners.silent):
            return
        answer = self._answer(frame.action, frame.token)
        think_s = self.rng.uniform(0.01, self.manners.slow_s)
        if self.rng.random() < self.manners.late:
            think_s += 31
        self.answering = True
        self.world.clock.after(think_s, lambda: self._say(answer))

    def _or_shaky(self, chance: float) -> float:
        return max(chance, 0.5) if self.world.clock.now < self.csms.shaky_until else chance

    def _say(self, answer: bytes) -> None:
        self.answering = False
        self.send(answer)
        if self.rng.random() < self.manners.garbage:
            self.send(self.rng.choice(GARBAGE))
        if self.rng.random() < 0.02:
            self.send(answer)

    def _answer(self, action: str, token: bytes) -> bytes:
        trace = f"{self.csms.name}.{next(self.csms.numbers)}"
        if action != "BootNotification" and self.rng.random() < self._or_shaky(self.manners.errors):
            return b'[4,%b,"GenericError","",{"trace":"%b"}]' % (token, trace.encode())
        payload: dict[str, Any] = {"trace": trace}
        if action == "BootNotification":
            status = self.manners.boot[min(self.boots, len(self.manners.boot) - 1)]
            self.boots += 1
            payload |= {"status": status, "interval": self.manners.interval_s if status == "Accepted" else 10}
        elif action == "StartTransaction":
            minted = next(self.csms.transactions)
            self.transactions.append(minted)
            payload |= {"transactionId": minted, "idTagInfo": {"status": "Accepted", "parentIdTag": trace}}
        elif action == "StopTransaction":
            payload |= self.rng.choice([{}, {"idTagInfo": {"status": "Accepted", "parentIdTag": trace}}])
        elif action == "TransactionEvent":
            info = {"status": "Accepted", "by": trace}
            payload |= self.rng.choice(
                [{}, {"idTokenInfo": info, "totalCost": self.boots + 0.5, "chargingPriority": 1}]
            )
        space = self.rng.choice([(",", ":"), (", ", ": ")])
        return b"[3,%b,%b]" % (token, json.dumps(payload, separators=space).replace('"trace": "', '"trace":"').encode())

    # -- commanding --------------------------------------------------------------------------------------------

    def _plan_command(self) -> None:
        self.world.clock.after(self.rng.expovariate(1 / self.manners.commands_every_s), self._command)

    def _command(self) -> None:
        if not self.connection.open or not self.world.busy:
            return
        self._plan_command()
        if self.manners.half_duplex and (self.answering or self.open_commands):
            return
        trace = f"{self.csms.name}.{next(self.csms.numbers)}"
        number = next(self.ids)
        token = f'"{number}"' if self.manners.counts_ids else self.rng.choice([str(number), f'"{trace}-{"y" * 20}"'])
        payload: dict[str, Any] = {"trace": trace}
        action = self.rng.choice(COMMANDS[self.site.version] + CHOSEN)
        payload |= _chosen(action, self.site.version, self.rng.randint(1, 4))
        if self.rng.random() < 0.05:
            action, more = TERMINATED[self.site.version]
            payload = {"trace": trace} | more
        if self.transactions and self.site.version == "ocpp1.6" and self.rng.random() < 0.3:
            action = "RemoteStopTransaction"
            payload = {"trace": trace, "transactionId": self.rng.choice(self.transactions)}
        self.open_commands.add(token.encode())
        text = json.dumps(payload, separators=(",", ":"))
        self.send(f'[2,{token}, "{action}",{text}]'.encode())


def _chosen(action: str, version: str, number: int) -> dict[str, Any]:
    """Return the members that bring ids which the back-end chose: few, so that back-ends choose the same."""
    old = version == "ocpp1.6"
    match action:
        case "ReserveNow":
            return {"reservationId" if old else "id": number}
        case "CancelReservation":
            return {"reservationId": number}
        case "SetChargingProfile":
            profile = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile"}
            if old:
                return {"connectorId": 1, "csChargingProfiles": {"chargingProfileId": number} | profile}
            return {"evseId": 1, "chargingProfile": {"id": number} | profile}
        case "ClearChargingProfile":
            return {"id" if old else "chargingProfileId": number}
        case "GetLog":
            return {"requestId": number}
        case "SendLocalList":
            return {"listVersion" if old else "versionNumber": number, "updateType": "Full"}
        case "ChangeAvailability" if old:
            return {"connectorId": number, "type": "Operative" if number > 2 else "Inoperative"}
    return {}
