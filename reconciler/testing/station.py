"""A simulated charging station: speaks OCPP 1.6, 2.0.1 or 2.1 with whatever CSMS, relay or proxy it is pointed at.

async with SimulatedStation("CP-1", "ws://127.0.0.1:9000/ocpp", "ocpp1.6") as station:
    await station.boot()
    charging = await station.start_transaction(1, "TAG-1")
    await station.meter(charging, 1500)
    await station.stop_transaction(charging)
"""

import ssl as tls
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from reconciler.testing.dialect import Dialect, timestamp
from reconciler.testing.line import Line
from reconciler.testing.manners import Manners
from reconciler.testing.peer import PeerOptions, Side
from reconciler.testing.recording import RecordedCall, Violation
from reconciler.testing.speech import Said, Speech, Speech2, Speech16
from reconciler.testing.station_commands2 import StationCommands2
from reconciler.testing.station_commands16 import StationCommands16
from reconciler.testing.station_memory import Connector, StationMemory, Transaction, default_settings


class SimulatedStation(Line):
    """A station that says what a test or a person tells it to, and answers commands by itself.

    identity, url_base    it connects to `url_base/<percent-encoded identity>`
    version               one subprotocol ("ocpp1.6"), or several in order of preference
    password              for Basic authentication; text or bytes
    connectors            their number; in 2.x each is an EVSE of its own
    ssl                   the context for a wss URL
    reconnect_after_s     dial again so long after a close that it had not asked for; None: stay away
    obedient              do what accepted commands ask for: start, stop, restart, send the triggered message
    offer_versions        False: send no Sec-WebSocket-Protocol, as some stations do, and speak the first version
    status_events         in 2.x, report status by NotifyEvent in place of StatusNotification
    validate              check all payloads against the schemas; False for load
    keep                  how many frames and calls to remember; None for all
    manners               how it answers commands, well or badly
    clock                 seconds since 1970
    """

    def __init__(
        self,
        identity: str,
        url_base: str,
        version: str | Sequence[str] = "ocpp1.6",
        *,
        password: str | bytes | None = None,
        serial: str | None = None,
        vendor: str = "fwdctl",
        model: str = "Simulated",
        firmware: str = "1.0.0",
        connectors: int = 1,
        ssl: tls.SSLContext | None = None,
        reconnect_after_s: float | None = None,
        obedient: bool = True,
        offer_versions: bool = True,
        status_events: bool = False,
        compression: bool = False,
        ping_interval_s: float | None = None,
        call_timeout_s: float = 30.0,
        validate: bool = True,
        keep: int | None = None,
        manners: Manners | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            identity,
            url_base,
            version,
            password=password,
            ssl=ssl,
            reconnect_after_s=reconnect_after_s,
            offer_versions=offer_versions,
            compression=compression,
            ping_interval_s=ping_interval_s,
            manners=manners,
            options=PeerOptions(validate=validate, call_timeout_s=call_timeout_s),
            keep=keep,
        )
        self.obedient = obedient
        self.files_ssl: tls.SSLContext | None = None
        """For firmware and logs over HTTPS; the system's certificates without it."""
        self._clock = clock
        self._speech2 = Speech2(status_events)
        self._raw_seen = 0
        self.memory = StationMemory(
            identity=identity,
            vendor=vendor,
            model=model,
            serial=identity if serial is None else serial,
            firmware=firmware,
            connectors={number: Connector() for number in range(1, connectors + 1)},
            settings=default_settings(self.dialect.version, connectors),
        )

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self.disconnect()

    def side(self, dialect: Dialect) -> Side:
        """See Line."""
        commands = StationCommands16 if dialect.version == "1.6" else StationCommands2
        return commands(self, dialect.results)

    @property
    def commands(self) -> list[RecordedCall]:
        """The CALLs received, in order."""
        return list(self.journal.calls)

    @property
    def violations(self) -> list[Violation]:
        """The rules of OCPP-J that the other end broke."""
        return self.journal.violations

    @property
    def speech(self) -> Speech:
        """The words of the version in use."""
        return Speech16() if self.dialect.version == "1.6" else self._speech2

    def now(self) -> str:
        """Return the station's time as OCPP writes it."""
        return timestamp(self._clock())

    # What every station says.

    async def boot(self, reason: str = "PowerUp") -> dict[str, Any]:
        """Send BootNotification and return the answer's payload; status and heartbeat interval are remembered."""
        answer = await self._say(self.speech.boot(self.memory, reason))
        self.memory.boot_status = answer["status"]
        self.memory.heartbeat_interval_s = answer["interval"]
        return answer

    async def announce(self, connector: int | None = None) -> None:
        """Report the status of a connector, or of all (in 1.6 of the station itself, too), as after a boot."""
        if connector in (None, 0) and self.dialect.version == "1.6":
            await self._say(self.speech.status(0, "Available", self.now(), "NoError"))
        for number, state in self.memory.connectors.items():
            if connector in (None, 0, number):
                await self.status(number, state.status)

    async def heartbeat(self) -> str:
        """Send Heartbeat and return the CSMS's time as it was written."""
        answer = await self.call("Heartbeat", {})
        return str(answer["currentTime"])

    async def authorize(self, tag: str) -> str:
        """Ask about a tag and return its status, such as "Accepted" or "Blocked"."""
        return self.speech.token_status(await self._say(self.speech.authorize(tag)))

    async def status(self, connector: int, status: str, *, error: str = "NoError") -> None:
        """Report a connector's status in the words of 1.6 ("Charging" is "Occupied" in 2.x)."""
        if connector in self.memory.connectors:
            self.memory.connectors[connector].status = status
        await self._say(self.speech.status(connector, status, self.now(), error))

    async def start_transaction(
        self, connector: int, tag: str, *, token_type: str = "ISO14443", remote_start_id: int | None = None
    ) -> Transaction:
        """Start charging and return the transaction.

        It is also found in `memory.transactions` where the CSMS did not answer; in 1.6 its id is -1 then.
        """
        meter_wh = self.memory.connectors[connector].meter_wh
        transaction = Transaction(
            connector,
            tag,
            self.speech.new_transaction_id(),
            meter_wh,
            meter_wh,
            remote_start_id=remote_start_id,
            token_type=token_type,
        )
        self.memory.transactions[connector] = transaction
        answer = await self._say(self.speech.started(transaction, self.now()))
        self.speech.learn_start(transaction, answer)
        return transaction

    async def meter(self, transaction: Transaction, meter_wh: int) -> None:
        """Report the register of a running transaction, in Wh."""
        transaction.meter_wh = self.memory.connectors[transaction.connector].meter_wh = meter_wh
        await self._say(self.speech.metered(transaction, self.now()))

    async def charge(self, transaction: Transaction, wants_w: float, seconds: int) -> float:
        """Charge for `seconds` of its own time, as much as the car wants and profiles leave it; report, return W."""
        allowed_w = self.memory.allowed_w()
        transaction.power_w = wants_w if allowed_w is None else min(wants_w, allowed_w)
        await self.meter(transaction, transaction.meter_wh + round(transaction.power_w * seconds / 3600))
        return transaction.power_w

    async def stop_transaction(self, transaction: Transaction, *, reason: str = "Local") -> None:
        """Stop charging; `reason` as the version writes it."""
        transaction.stopped = True
        self.memory.transactions.pop(transaction.connector, None)
        await self._say(self.speech.stopped(transaction, self.now(), reason))

    async def meter_values(self, connector: int | None = None, *, context: str = "Trigger") -> None:
        """Report the register of a connector, or of all, outside of any transaction."""
        for number, state in self.memory.connectors.items():
            if connector in (None, 0, number):
                await self._say(self.speech.meter_values(number, state.meter_wh, self.now(), context))

    async def data_transfer(self, vendor_id: str, message_id: str | None = None, data: Any = None) -> dict[str, Any]:
        """Send DataTransfer and return the answer's payload; `data` is text in 1.6, anything in 2.x."""
        optional = {"messageId": message_id, "data": data}
        payload = {"vendorId": vendor_id} | {key: value for key, value in optional.items() if value is not None}
        return await self.call("DataTransfer", payload)

    async def reboot(self, *, stop_reason: str = "Reboot") -> None:
        """Stop what runs, drop the connection, come back, boot and report every connector."""
        for transaction in list(self.memory.transactions.values()):
            await self.stop_transaction(transaction, reason=stop_reason)
        self.memory.boot_status = ""
        await self.disconnect()
        await self.connect()
        await self.boot(reason="RemoteReset")
        await self.announce()

    # Anything else.

    async def call(
        self, action: str, payload: dict[str, Any], *, message_id: str | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Send any CALL and return the answer's payload.

        Raises CallFailed for a CALLERROR, CallInvalid where a payload doesn't fit its schema, TimeoutError,
        ConnectionError.
        """
        return await self.peer.call(action, payload, message_id=message_id, timeout_s=timeout_s)

    async def send(self, action: str, payload: dict[str, Any]) -> None:
        """Send a SEND (2.1), which has no answer."""
        await self.peer.send(action, payload)

    async def send_raw(self, frame: str | bytes, *, text: bool = True) -> None:
        """Send one message as it is; `text` False: as a binary one."""
        await self.peer.send_raw(frame.encode() if isinstance(frame, str) else frame, text=text)

    async def expect_raw(self, frame: str | bytes | None = None, *, timeout_s: float = 5.0) -> bytes:
        """Return the next received frame, or skip to the one that equals `frame`; raises TimeoutError.

        Frames are numbered from the beginning, so nothing that came before the call is missed.
        """
        wanted = frame.encode() if isinstance(frame, str) else frame

        def look() -> bytes | None:
            for number, raw in enumerate(self.journal.raw("received")[self._raw_seen :], self._raw_seen):
                if wanted in (None, raw):
                    self._raw_seen = number + 1
                    return raw
            return None

        return await self.journal.bell.until(look, timeout_s, lambda: f"the frame {wanted!r} at {self.identity}")

    async def wait_for(self, action: str, *, after: int = -1, count: int = 1, timeout_s: float = 5.0) -> RecordedCall:
        """Return the `count`th command of an action, waiting for it where needed; raises TimeoutError."""
        return await self.journal.wait_for(action, after=after, count=count, timeout_s=timeout_s)

    def raw(self, direction: Literal["received", "sent"]) -> list[bytes]:
        """Return the frames of one direction, byte for byte."""
        return self.journal.raw(direction)

    async def _say(self, said: Said) -> dict[str, Any]:
        return await self.call(*said)
