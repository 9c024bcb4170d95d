"""`local` as a CSMS: takes a station's frames as any other back-end does, and needs no socket."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from reconciler.local.answers import ANSWERS, Asked
from reconciler.model.desired import LocalAnswers

_CALL: Final = b"2"
_CALLRESULT: Final = b"3"
_CALLERROR: Final = b"4"
_IDS_FROM: Final = 1_600_000_000
"""Seconds since the epoch that transaction ids count from: new ones stay above all earlier ones over restarts."""

_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_PAYLOAD: Final = msgspec.json.Decoder(dict[str, Any] | None)


Payload = Mapping[str, Any]


class StationAnswer(msgspec.Struct, frozen=True):
    """A station's answer to a CALL of `local`: a payload, or the reason why there is none."""

    payload: Payload | None
    error: str = ""


class Ears(Protocol):
    """Who learns what a station tells `local`."""

    def heard(self, action: str, payload: Payload) -> None:
        """Take a CALL of the station, which is answered whatever becomes of this."""

    def answered(self, message_id: str, answer: StationAnswer) -> None:
        """Take the answer to a CALL of `local`."""


class TransactionNumbers:
    """Transaction ids of OCPP 1.6, never given twice by one relay; nor, once a second has passed, after a restart."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: datetime) -> int:
        """Return a new id."""
        self._last = max(self._last + 1, int(now.timestamp()) - _IDS_FROM)
        return self._last


class LocalCsms:
    """One charger's CSMS leg to `local`.

    Args:
        version: the leg's subprotocol.
        settings: how it answers now; asked at every call, for settings change while stations stay connected.
        known: was this id token accepted by an owner on this charger or site lately?
        numbers: shared by all chargers, for a charger's next session must not begin anew.
        signs: takes a SignCertificate and tells whether the station will get its certificate.
    """

    __slots__ = ("_known", "_numbers", "_settings", "_signs", "_version", "ears")

    def __init__(
        self,
        version: str,
        settings: Callable[[], LocalAnswers],
        known: Callable[[str], bool],
        numbers: TransactionNumbers | None = None,
        signs: Callable[[Payload], bool] = lambda payload: False,
    ) -> None:
        self.ears: Ears | None = None
        """Who learns what the station says."""
        self._version = version
        self._settings = settings
        self._known = known
        self._numbers = numbers or TransactionNumbers()
        self._signs = signs

    def frame_received(self, raw: bytes, now: datetime) -> bytes | None:
        """Take one frame of the relay's and return the answer, None for what needs none (answers, SEND).

        `raw` has a readable envelope; whatever is in its payload gets an answer, too.
        """
        kind, message_id, *rest = _ELEMENTS.decode(raw)
        if bytes(kind) != _CALL:
            self._read_answer(bytes(kind), message_id, rest)
            return None
        try:
            action = _TEXT.decode(rest[0])
        except msgspec.MsgspecError:  # an object stands where the action belongs
            return _error(message_id, "NotSupported", "local takes no signed messages")
        answer = ANSWERS[self._version].get(action)
        if answer is None:
            return _error(message_id, "NotImplemented", f"local does not know {action[:50]}")
        try:
            payload = _PAYLOAD.decode(rest[1]) or {}
        except msgspec.MsgspecError as error:  # JSON, but no object, or numbers that no reader can hold
            return _error(message_id, "PropertyConstraintViolation", str(error))
        if self.ears is not None:
            self.ears.heard(action, payload)
        asked = Asked(
            self._version, payload, now, self._settings(), self._known, lambda: self._numbers.next(now), self._signs
        )
        return b"[3,%b,%b]" % (message_id, msgspec.json.encode(answer(asked)))

    def _read_answer(self, kind: bytes, message_id: msgspec.Raw, rest: list[msgspec.Raw]) -> None:
        if self.ears is None or kind not in (_CALLRESULT, _CALLERROR):
            return
        try:
            if kind == _CALLRESULT:
                answer = StationAnswer(_PAYLOAD.decode(rest[0]) or {})
            else:
                code, description = (_TEXT.decode(part) for part in rest[:2])
                answer = StationAnswer(None, f"{code}: {description}" if description else code)
        except (msgspec.MsgspecError, ValueError):
            answer = StationAnswer(None, "the charging station's answer can't be read")
        self.ears.answered(_TEXT.decode(message_id), answer)


def _error(message_id: msgspec.Raw, code: str, description: str) -> bytes:
    return b"[4,%b,%b,%b,{}]" % (message_id, msgspec.json.encode(code), msgspec.json.encode(description))
