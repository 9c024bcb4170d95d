"""What happened at one charger's relay core: every input and output in order, and how frames of it are read.

Frames are read here with `json` and regular expressions only, so that the core's own reader judges nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum, auto
from functools import lru_cache
from typing import Any, Final

from reconciler.model.desired import DesiredCharger

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6
_TRACE: Final = re.compile(rb'"trace":"([^"]*)"')
_OF: Final = re.compile(rb'"of":"([^"]*)"')
_MAPPED: Final = re.compile(
    rb'("(?:transactionId|reservationId|chargingProfileId|id|requestId|listVersion|versionNumber)"\s*:\s*)-?\d+'
)
_ID: Final = re.compile(rb'\s*\[\s*\d+\s*,\s*("(?:[^"\\]|\\.)*"|[^\s,\]]+)')


class What(StrEnum):
    """Inputs of the core, its outputs, and what the world has to say itself."""

    BEGAN = auto()
    """A new session."""
    STATION_IN = auto()
    LEG_IN = auto()
    LEG_OPENED = auto()
    LEG_CLOSED = auto()
    DIAL_FAILED = auto()
    TIMER = auto()
    WANTED = auto()
    STATION_CLOSED = auto()
    DECLARED = auto()
    """Other specs are applied."""
    OVERRIDDEN = auto()
    """A technician's override begins (1), or ends (0)."""
    FAILOVER = auto()
    """Somebody is to stand in for this back-end."""
    FAILOVER_ENDED = auto()
    KILLED = auto()
    """The relay's process died."""

    STATION_OUT = auto()
    LEG_OUT = auto()
    OPEN_LEG = auto()
    CLOSE_LEG = auto()
    REDIAL_LEG = auto()
    CLOSE_STATION = auto()
    STEPPED = auto()
    """Another generation's roles are in force; written after all that this instant brought."""
    RUNS = auto()
    REFUSED = auto()
    NOTE = auto()
    KEEP = auto()
    """The core keeps this call of the station; its answer waits until that is safe."""

    KEPT = auto()
    """A call that was to be kept is safe."""
    SNAPSHOT = auto()
    """The charger's memory is about to be written as it is now."""
    STORED = auto()
    """The last snapshot is safe."""
    CARRIED = auto()
    """What waited for that leaves for the station."""
    FORGET = auto()
    """The core needs a kept call no longer."""
    RESTORED = auto()
    """A call that was found to be kept after a kill."""
    RESTARTED = auto()
    """The relay has read what the killed one left."""

    TOOK_LIST = auto()
    """The station has a local list of this version now, whether or not anybody hears of it."""

    RAISED = auto()
    """`handle` raised."""
    GREW = auto()
    """Something is larger than its bound."""
    SPUN = auto()
    """A timer fired over and over at one instant."""


_CONTROLLERS: Final = (What.DECLARED, What.OVERRIDDEN, What.FAILOVER, What.FAILOVER_ENDED)
INPUTS: Final = frozenset(list(What)[: list(What).index(What.STATION_OUT)]) - frozenset(_CONTROLLERS)
"""What the core is told."""


@dataclass(frozen=True, slots=True)
class Record:
    """One input or output. `who` is a back-end where one is concerned; `number` a generation."""

    at: float
    what: What
    who: str = ""
    raw: bytes = b""
    number: int = 0
    text: str = ""
    desired: DesiredCharger | None = field(default=None, repr=False)

    def line(self) -> str:
        """Return the record as one line."""
        said = self.raw.decode(errors="replace")
        return " ".join(
            filter(None, [f"{self.at:10.4f}", self.what, self.who, str(self.number or ""), self.text, said])
        )


def without_id(raw: bytes) -> bytes:
    """Return a frame with its message id and the mapped ids blanked: what must never change on its way."""
    token = _ID.match(raw)
    start, end = token.span(1) if token else (0, 0)
    return raw[:start] + b"#" + _MAPPED.sub(rb"\1#", raw[end:])


def payload_of(raw: bytes) -> bytes:
    """Return the payload's bytes (no id or action here has braces)."""
    return raw[raw.find(b"{") : raw.rfind(b"}") + 1]


@dataclass(frozen=True, slots=True)
class Said:
    """A readable frame. `token` is the id as written; `trace` names the saying, `of` the transaction it is about."""

    kind: int
    token: bytes
    action: str
    payload: dict[str, Any]
    trace: str
    of: str


@lru_cache(maxsize=100_000)
def said(raw: bytes) -> Said | None:
    """Return what a frame says, None where it can't be read."""
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    token = _ID.match(raw)
    if not isinstance(frame, list) or len(frame) < 3 or token is None or frame[0] not in (2, 3, 4, 5, 6):
        return None
    payload = frame[-1] if isinstance(frame[-1], dict) else {}
    trace, of = _TRACE.search(raw), _OF.search(raw)
    return Said(
        kind=frame[0],
        token=token[1],
        action=frame[2] if frame[0] in (CALL, SEND) else "",
        payload=payload,
        trace=trace[1].decode() if trace else "",
        of=of[1].decode() if of else "",
    )


def fingerprint(histories: Iterable[Iterable[Record]]) -> str:
    """Return a hash over everything that happened."""
    digest = hashlib.sha256()
    for history in histories:
        for record in history:
            digest.update(record.line().encode() + b"\n")
    return digest.hexdigest()[:16]
