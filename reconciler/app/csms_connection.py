"""One back-end of one session, from dial to dial: connects, tells the session, and connects again with back-off."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from reconciler.app.legs import Dialer, DialFailed, DialRequest, Leg
from reconciler.model.desired import DesiredLeg
from reconciler.relay import events

NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
_EARLY_MAX = 64
"""Frames of a back-end that is connected before its station is; more is not how a CSMS behaves."""
NOT_PROVISIONED = (401, 403, 404)
"""HTTP statuses that a person has to do something about: credentials, or the charger is unknown there."""

_MANY = 16
"""Failures after which a wait grows no more, whatever the longest is."""


@dataclass(frozen=True, slots=True)
class RedialPolicy:
    """Jittered exponential back-off (OCPP-J part 4, 5.3): doubles up to the longest wait, anew after a good while."""

    first_s: float = 1.0
    longest_s: float = 120.0
    """Also the first wait where a back-end that was never reached yet says that it does not know the charger."""
    good_after_s: float = 30.0
    """A connection that lived this long makes the next wait a first one again."""
    predecessor_s: float = 2.0
    """How long to wait for the same charger's last connection to close, lest a CSMS take one for the other."""

    def wait_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row."""
        return min(self.longest_s, self.first_s * 2.0 ** min(failures, _MANY)) * random.uniform(0.5, 1.5)


class Predecessor(Protocol):
    """The last session's connection to the same back-end."""

    @property
    def gone(self) -> asyncio.Event:
        """Set while no socket of it is open."""


class CsmsConnection:
    """Keeps one CSMS leg alive until `stop`; a LegSink to its leg. No task lives while the leg is open."""

    __slots__ = (
        "_at_once",
        "_dialer",
        "_early",
        "_failures",
        "_feed",
        "_leg",
        "_loop",
        "_opened_at",
        "_policy",
        "_request",
        "_retry",
        "_stopped",
        "_task",
        "gone",
    )

    def __init__(
        self, request: DialRequest, dialer: Dialer, policy: RedialPolicy, feed: Callable[[events.Event], None]
    ) -> None:
        self._request = request
        self._dialer = dialer
        self._policy = policy
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self._leg: Leg | None = None
        self._early: list[bytes] | None = []
        self._failures = 0
        self._opened_at = 0.0
        self._retry: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._at_once = False
        """Dial again without a wait, once the leg has closed."""
        self.gone = asyncio.Event()
        """Set while no socket of this connection is open."""
        self.gone.set()

    @property
    def backend(self) -> str:
        """The back-end's name."""
        return self._request.leg.backend.name

    def start(self, predecessor: Predecessor | None = None) -> None:
        """Begin to dial, once the last session's connection to the same back-end has closed."""
        self._task = self._loop.create_task(self._dial(predecessor))

    async def dial_first(self) -> None:
        """Connect once, for a station whose own credentials are passed on; raises DialFailed."""
        self.gone.clear()
        try:
            self._leg = await self._dialer.dial(self._request, self)
        except DialFailed:
            self.gone.set()
            raise
        self._opened_at = self._loop.time()

    def adopt(self, feed: Callable[[events.Event], None]) -> None:
        """Give a leg opened by `dial_first` to its session."""
        if self._stopped:
            return
        self._feed = feed
        if self._leg is not None:
            self._opened()
        elif not self._dialling:  # it closed before the station was in
            self._again(0.0)

    def redial(self, leg: DesiredLeg) -> None:
        """Close the leg and dial it again, as `leg` now is and without a wait."""
        self._request = replace(self._request, leg=leg)
        self._failures = 0
        if self._leg is not None:
            self._at_once = True
            self._leg.close(NORMAL_CLOSURE, "dialled anew")
            return
        if self._task is not None:
            self._task.cancel()  # it dials what the leg was
        self._again(0.0)

    def send(self, frame: bytes) -> None:
        """Send one frame; lost where the leg has just gone, as on any socket."""
        if self._leg is not None:
            self._leg.send(frame)

    def stop(self, reason: str) -> None:
        """Close for good."""
        self._stopped = True
        self._feed = _ignore
        if self._retry is not None:
            self._retry.cancel()
        if self._task is not None and self._leg is None:
            self._task.cancel()
            self._task = (
                None  # its traceback holds the handshake, and a charger's slot holds this until its next session
            )
        if self._leg is not None:
            self._leg.close(GOING_AWAY, reason)

    # -- LegSink -----------------------------------------------------------------------------------------------

    def frame_received(self, frame: bytes) -> None:
        """Take a frame of the back-end."""
        if self._early is not None:
            self._early.append(frame)
            if len(self._early) > _EARLY_MAX and self._leg is not None:
                self._leg.close(POLICY_VIOLATION, "too many frames before the charging station was in")
        else:
            self._feed(events.LegFrameReceived(self.backend, frame))

    def leg_closed(self, code: int, reason: str) -> None:
        """The socket is gone: say so, and dial again."""
        lived_s = self._loop.time() - self._opened_at
        self._leg = None
        self._early = []
        self.gone.set()
        if self._stopped:
            return
        self._failures = 0 if lived_s >= self._policy.good_after_s else self._failures + 1
        self._feed(events.LegClosed(self.backend, f"connection closed: {code} {reason}".rstrip()))
        at_once, self._at_once = self._at_once, False
        self._again(0.0 if at_once else self._policy.wait_s(self._failures))

    # -- dialling ----------------------------------------------------------------------------------------------

    @property
    def _dialling(self) -> bool:
        return self._task is not None and not self._task.done()

    def _again(self, wait_s: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = self._loop.call_later(wait_s, self.start)

    async def _dial(self, predecessor: Predecessor | None) -> None:
        if predecessor is not None:
            try:
                await asyncio.wait_for(predecessor.gone.wait(), self._policy.predecessor_s)
            except TimeoutError:
                pass  # it is closing; its own timer ends it
        self.gone.clear()
        try:
            leg = await self._dialer.dial(self._request, self)
        except DialFailed as failed:
            self.gone.set()
            self._failures += 1
            if failed.status in NOT_PROVISIONED and not self._opened_at:
                self._failures += _MANY  # where it was reached before, a gateway may say so for a moment
            self._feed(events.LegDialFailed(self.backend, failed.reason))
            self._again(self._policy.wait_s(self._failures - 1))
            return
        except asyncio.CancelledError:
            self.gone.set()
            raise
        self._leg = leg
        self._opened_at = self._loop.time()
        if self._stopped:
            leg.close(GOING_AWAY, "the charging station is gone")
            return
        self._opened()

    def _opened(self) -> None:
        early, self._early = self._early or [], None
        self._feed(events.LegOpened(self.backend))
        for frame in early:
            self._feed(events.LegFrameReceived(self.backend, frame))


def _ignore(event: events.Event) -> None:
    """Take an event of a connection that no session wants any more."""
