"""What the session core asks of the world: imperatives. The counterpart is `events.py`."""

from collections.abc import Mapping

import msgspec

from reconciler.model.desired import DesiredLeg


class SendToStation(msgspec.Struct, frozen=True):
    """Send one text message to the station; with `after_commit`, once the charger's memory is safely stored.

    An answer or command that brings the station a new id waits for that, so that no crash can lose whose it is.
    """

    frame: bytes
    after_commit: bool = False


class SendToLeg(msgspec.Struct, frozen=True):
    """Send one text message to a back-end."""

    backend: str
    frame: bytes


class OpenLeg(msgspec.Struct, frozen=True):
    """Dial this back-end, and again after every loss with back-off, until CloseLeg."""

    leg: DesiredLeg


class CloseLeg(msgspec.Struct, frozen=True):
    """Close the leg and stop dialling it; no LegClosed need follow."""

    backend: str
    reason: str


class RedialLeg(msgspec.Struct, frozen=True):
    """Close the leg and dial it again at once, as this leg now is."""

    leg: DesiredLeg
    reason: str


class CloseStation(msgspec.Struct, frozen=True):
    """Close the station's socket; StationClosed follows."""

    code: int
    reason: str


class GenerationRuns(msgspec.Struct, frozen=True):
    """This generation runs (ACK). `owners` are the owners before and after; equal where no feature changed hands."""

    generation: int
    owners_before: Mapping[str, str]
    owners: Mapping[str, str]


class GenerationRefused(msgspec.Struct, frozen=True):
    """This generation can't run (NACK); the last good one keeps running."""

    generation: int
    reason: str


class RememberCharger(msgspec.Struct, frozen=True):
    """The session's memory changed; keep it for the next session of this charger."""


class KeepCall(msgspec.Struct, frozen=True):
    """Store an acknowledged call of the station durably, and only then send it the answer (R11, `buffer`)."""

    seq: int
    raw: bytes
    answer: bytes


class ForgetCalls(msgspec.Struct, frozen=True):
    """These kept calls have reached their owner, or had to make room."""

    seqs: tuple[int, ...]


class AnswerLocally(msgspec.Struct, frozen=True):
    """Have `local` answer this frame of the station, whose owner is away (R11, `buffer`)."""

    frame: bytes


class AnswerOrder(msgspec.Struct, frozen=True):
    """Carry out, as the charger, what a back-end orders on its own leg (R13), and say OrderAnswered once it is."""

    backend: str
    order: int
    """Tells this order from all others of the session."""
    raw: bytes
    """The back-end's CALL; it may hold a secret."""

    def __repr__(self) -> str:
        return f"AnswerOrder(backend={self.backend!r}, order={self.order})"


class LegRegistered(msgspec.Struct, frozen=True):
    """This back-end accepted the charger's BootNotification on the connection it now has."""

    backend: str


class IdTokenAccepted(msgspec.Struct, frozen=True):
    """An owner accepted this id token on this charger; `local` may accept it later on (`authorize: known`)."""

    token: str


class Note(msgspec.Struct, frozen=True):
    """Something worth a count and a log line. `what` is one of `NOTES`."""

    what: str
    backend: str = ""
    action: str = ""
    detail: str = ""


NOTES: Mapping[str, str] = {
    "malformed-frame": "a frame that can't be read was answered with an error or dropped",
    "unknown-type": "a frame of an unknown message type was ignored",
    "stray-answer": "an answer to no open call, or a late one, was swallowed",
    "duplicate-call": "a call repeated while it was open was folded into the open one",
    "refused-call": "a command of a back-end that may not give it was refused (R8)",
    "queue-full": "a command was refused because too many wait for the station (R3)",
    "queue-timeout": "a command was refused because the station was busy for too long (R3)",
    "call-timeout": "a call was not answered in time",
    "copy-dropped": "an observer's copy was dropped: its leg is down, slow or full (R7)",
    "security-event": "the station reported a security event; the note's detail is its payload, cut",
    "too-many-calls": "the station had too many open calls",
    "owner-away": "the owner of transactions has been away for `downAfter` (R11)",
    "call-kept": "a call was acknowledged and kept for an owner that is away (R11)",
    "backlog-full": "kept meter values made room, or a call could not be kept (R11)",
    "backlog-waits": "kept calls wait for a session in the OCPP version that they were said in (R11)",
    "backlog-refused": "an owner refused a kept call for good",
    "handover-refused": "the station would not give up what an old owner left in it (R14)",
    "station-closed": "the relay closed the station's socket",
    "leg-registration": "a back-end answered a BootNotification with Pending or Rejected",
}
"""Every kind of note, with what it says; metrics use these names as labels."""

Command = (
    SendToStation
    | SendToLeg
    | OpenLeg
    | CloseLeg
    | RedialLeg
    | CloseStation
    | GenerationRuns
    | GenerationRefused
    | RememberCharger
    | KeepCall
    | ForgetCalls
    | AnswerLocally
    | AnswerOrder
    | LegRegistered
    | IdTokenAccepted
    | Note
)
