"""What a leg is to the relay: the small interface between sessions and whatever carries their frames.

    station door ── Knock ──> Admission.admit ──> Admit | Refuse
                └── opened leg ──> Admission.opened ──> LegSink
    Dialer.dial(DialRequest, LegSink) ──> Leg | DialFailed

Everything but admission and dialling is synchronous: a frame goes from socket to socket in one call stack.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec

from reconciler.model.desired import DesiredLeg


class Leg(Protocol):
    """One open WebSocket, seen from the session."""

    @property
    def subprotocol(self) -> str | None:
        """The negotiated subprotocol, for example "ocpp1.6"."""

    @property
    def unsent_bytes(self) -> int:
        """Bytes accepted by `send` that the peer's socket has not taken yet."""

    def send(self, frame: bytes) -> None:
        """Send one text message; never blocks, never raises, does nothing once the leg is closing."""

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake (bounded in time); harmless when repeated."""


class LegSink(Protocol):
    """Who is told what happens on a leg."""

    def frame_received(self, frame: bytes) -> None:
        """Take one whole text message (valid UTF-8, within the size limit)."""

    def leg_closed(self, code: int, reason: str) -> None:
        """Learn, exactly once, that the leg is gone; no frame comes after it."""


class StationCertificate(Protocol):
    """A station's client certificate, its chain verified by whoever read the handshake."""

    @property
    def common_name(self) -> str:
        """The subject's CN, "" where it has none or several."""

    @property
    def organizations(self) -> tuple[str, ...]:
        """The subject's O."""

    @property
    def expires_at(self) -> datetime:
        """When it expires."""

    def issued_by(self, authorities: bytes) -> bool:
        """Tell whether one of these CA certificates (PEM) issued it; raises ValueError where they can't be read."""


class Knock(msgspec.Struct, frozen=True):
    """A station's handshake, read and not yet answered."""

    identity: str
    """Last path segment, percent-decoded, as the station wrote it."""
    subprotocols: tuple[str, ...]
    """As offered, in the station's order of preference."""
    authorization: str | None
    """The raw Authorization header; never logged."""
    remote: str
    path: str
    tls: bool = False
    tls_version: str = ""
    """As OpenSSL names it, for example "TLSv1.2"; "" without TLS."""
    certificate: StationCertificate | None = None
    """What the station showed, None where it showed none."""

    def __repr__(self) -> str:
        return f"Knock(identity={self.identity!r}, subprotocols={self.subprotocols!r}, remote={self.remote!r})"


class Admit(msgspec.Struct, frozen=True):
    """Let the station in. `subprotocol` None: no common version, so complete the handshake without and close."""

    charger: str
    subprotocol: str | None
    ping_interval_s: float | None
    """Keep-alive pings towards the station; None for the listener's default, 0 for none."""
    compression: bool = False
    ticket: object = None
    """Carried back to `opened` untouched."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the handshake with an HTTP status and a one-line reason for the log and the body."""

    status: int
    reason: str
    retry_after_s: int | None = None
    security_event: str = field(default="", compare=False)
    """Which of `security_events.EVENTS` it is, "" for none."""


class Admission(Protocol):
    """Decides who may connect; implemented by the relay node."""

    async def admit(self, knock: Knock) -> Admit | Refuse:
        """Decide before the handshake is answered."""

    def opened(self, admit: Admit, leg: Leg) -> LegSink:
        """Take the open station leg and return who is to be told about it."""


class DialRequest(msgspec.Struct, frozen=True):
    """Connect to a CSMS as this charger would."""

    identity: str
    """Canonical identity, not yet percent-encoded; appended to the back-end's URL."""
    leg: DesiredLeg
    version: str
    """The one subprotocol to offer: that of the station's leg."""
    authorization: str | None = None
    """The station's own header, only for `credentials: passthrough`; else the adapter makes it from the spec."""
    charger: str = ""
    """Whose leg it is."""

    def __repr__(self) -> str:
        return f"DialRequest(identity={self.identity!r}, backend={self.leg.backend.name!r}, version={self.version!r})"


class DialFailed(Exception):
    """Raised when a CSMS leg could not be opened.

    `status` is the HTTP status where there was one, `untrusted` says that the CSMS's certificate was not accepted.
    """

    def __init__(self, reason: str, status: int | None = None, *, untrusted: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.untrusted = untrusted


class Dialer(Protocol):
    """Opens CSMS legs."""

    async def dial(self, request: DialRequest, sink: LegSink) -> Leg:
        """Connect, and complete the handshake; raises DialFailed with a reason a person can act on."""
