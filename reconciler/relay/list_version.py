"""The local authorization list's version: the station has one list, each back-end believes in its own (R9).

A station takes a list only under a version above its own, so a back-end's version is raised where it must be, and told
back to that back-end as it was sent. A back-end whose list is not the one on the station is told 0: no list, send all.

A list whose answer never came may be on the station all the same: the next version that the station names tells.
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.relay.splice import find_value, replace_span

_SENT: Final[Mapping[str, str]] = {"ocpp1.6": "listVersion", "ocpp2.0.1": "versionNumber", "ocpp2.1": "versionNumber"}
_INT64_DIGITS: Final = 19
_UNANSWERED_MAX: Final = 8
SEND: Final = "SendLocalList"
GET: Final = "GetLocalListVersion"


class ListVersion:
    """Whose list the station has, under which version. `setter` is "" until a list was sent through the relay."""

    __slots__ = ("_unanswered", "setter", "station_version", "theirs")

    def __init__(self) -> None:
        self.setter = ""
        self.theirs = 0
        self.station_version = 0
        self._unanswered: dict[int, tuple[str, int, int]] = {}
        """Lists of which nobody knows yet whether the station took them: version there -> back-end, its version, and
        how often it was sent: one that is sent again and refused may be the one that the station has."""

    def to_station(self, version: str, backend: str, payload: bytes) -> bytes:
        """Return a SendLocalList payload with a version that the station can take."""
        span = find_value(payload, (_SENT[version],))
        sent = _number(payload, span)
        if span is None or sent is None:
            return payload
        follows, highest = backend == self.setter, max((self.station_version, *self._unanswered))
        ours = sent + (self.station_version - self.theirs) if follows else max(sent, highest + 1)
        whose, version_there, times = self._unanswered.get(ours, ("", 0, 0))
        again = (whose, version_there) == (backend, sent)
        self._unanswered[ours] = backend, sent, times + 1 if again else 1
        if len(self._unanswered) > _UNANSWERED_MAX:
            del self._unanswered[next(iter(self._unanswered))]
        return payload if ours == sent else replace_span(payload, span, str(ours).encode())

    def answered(self, version: str, backend: str, asked: bytes, sent: bytes, *, accepted: bool) -> None:
        """Note what the station answered to the list of `backend`: `asked` as it came, `sent` as the station got it."""
        theirs = _number(asked, find_value(asked, (_SENT[version],)))
        ours = _number(sent, find_value(sent, (_SENT[version],)))
        if theirs is None or ours is None:
            return
        if accepted:
            self._stands(ours, backend, theirs)
        elif ours in self._unanswered:
            _, _, times = self._unanswered.pop(ours)
            if times > 1:
                self._unanswered[ours] = backend, theirs, times - 1

    def to_backend(self, version: str, backend: str, payload: bytes) -> bytes:
        """Return a GetLocalListVersion answer as `backend` is to see it."""
        span = find_value(payload, (_SENT[version],))
        ours = _number(payload, span)
        if ours is not None and ours in self._unanswered:  # it did take that one
            self._stands(ours, *self._unanswered[ours][:2])
        if not self.setter or span is None or ours is None or ours < 0:
            return payload
        theirs = ours + (self.theirs - self.station_version) if backend == self.setter else 0
        return replace_span(payload, span, str(max(theirs, 0)).encode())

    def _stands(self, ours: int, backend: str, theirs: int) -> None:
        """The station has this list; older ones whose answers never came are gone in any case."""
        self.setter, self.theirs, self.station_version = backend, theirs, ours
        self._unanswered.clear()

    def snapshot(self) -> Mapping[str, Any]:
        """Return the state as JSON data."""
        unanswered = [[ours, *sent] for ours, sent in self._unanswered.items()]
        known = {"setter": self.setter, "theirs": self.theirs, "station": self.station_version}
        return {**known, "unanswered": unanswered}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over a snapshot."""
        self.setter = str(snapshot["setter"])
        self.theirs, self.station_version = int(snapshot["theirs"]), int(snapshot["station"])
        unanswered = snapshot.get("unanswered", ())
        self._unanswered = {
            int(ours): (str(backend), int(theirs), int(times[0]) if times else 1)
            for ours, backend, theirs, *times in unanswered
        }


def _number(payload: bytes, span: tuple[int, int] | None) -> int | None:
    if span is None:
        return None
    token = payload[span[0] : span[1]]
    return int(token) if token.lstrip(b"-").isdigit() and len(token) <= _INT64_DIGITS else None
