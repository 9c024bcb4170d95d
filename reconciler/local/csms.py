"""`local` as a CSMS: takes a station's frames as any other back-end does, and needs no socket."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from reconciler.local.answers import ANSWERS, Asked
from reconciler.model.desired import LocalAnswers

_CALL: Final = b"2"
_IDS_FROM: Final = 1_600_000_000
"""Seconds since the epoch that transaction ids count from: new ones stay above all earlier ones over restarts."""

_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ACTION: Final = msgspec.json.Decoder(str)
_PAYLOAD: Final = msgspec.json.Decoder(dict[str, Any] | None)


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
    """

    __slots__ = ("_known", "_numbers", "_settings", "_version")

    def __init__(
        self,
        version: str,
        settings: Callable[[], LocalAnswers],
        known: Callable[[str], bool],
        numbers: TransactionNumbers | None = None,
    ) -> None:
        self._version = version
        self._settings = settings
        self._known = known
        self._numbers = numbers or TransactionNumbers()

    def frame_received(self, raw: bytes, now: datetime) -> bytes | None:
        """Take one frame of the relay's and return the answer, None for what needs none (answers, SEND).

        `raw` has a readable envelope; whatever is in its payload gets an answer, too.
        """
        kind, message_id, *rest = _ELEMENTS.decode(raw)
        if bytes(kind) != _CALL:
            return None
        try:
            action = _ACTION.decode(rest[0])
        except msgspec.MsgspecError:  # an object stands where the action belongs
            return _error(message_id, "NotSupported", "local takes no signed messages")
        answer = ANSWERS[self._version].get(action)
        if answer is None:
            return _error(message_id, "NotImplemented", f"local does not know {action[:50]}")
        try:
            payload = _PAYLOAD.decode(rest[1]) or {}
        except msgspec.MsgspecError as error:  # JSON, but no object, or numbers that no reader can hold
            return _error(message_id, "PropertyConstraintViolation", str(error))
        asked = Asked(self._version, payload, now, self._settings(), self._known, lambda: self._numbers.next(now))
        return b"[3,%b,%b]" % (message_id, msgspec.json.encode(answer(asked)))


def _error(message_id: msgspec.Raw, code: str, description: str) -> bytes:
    return b"[4,%b,%b,%b,{}]" % (message_id, msgspec.json.encode(code), msgspec.json.encode(description))
