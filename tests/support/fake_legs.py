"""Legs and a dialer without sockets, for tests of what runs on legs."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from reconciler.app.legs import DialFailed, DialRequest, LegSink
from reconciler.model.desired import Backend, CredentialsMode, DesiredLeg, Role
from reconciler.testing.waiting import Bell


class FakeLeg:
    """Implements `Leg`. What the peer does is `peer_says` and `peer_leaves`; it answers a close at once."""

    subprotocol: str | None = "ocpp1.6"
    unsent_bytes = 0

    def __init__(self, sink: LegSink | None = None, bell: Bell | None = None) -> None:
        self.sink = sink
        self.sent: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        """With what this side closed it."""
        self.holds_close = False
        """True: the peer does not answer a close."""
        self.bell = bell or Bell()
        self._gone = False

    def send(self, frame: bytes) -> None:
        """Keep the frame."""
        if self.closed is None and not self._gone:
            self.sent.append(frame)
            self.bell.ring()

    def close(self, code: int, reason: str) -> None:
        """Close, and be gone soon."""
        if self.closed is None:
            self.closed = (code, reason)
            if not self.holds_close:
                asyncio.get_running_loop().call_soon(self.peer_leaves, code, reason)
            self.bell.ring()

    def peer_says(self, frame: bytes) -> None:
        """Let a frame arrive."""
        assert self.sink is not None
        if self.closed is None:
            self.sink.frame_received(frame)

    def peer_leaves(self, code: int = 1006, reason: str = "") -> None:
        """End the connection."""
        assert self.sink is not None
        if not self._gone:
            self._gone = True
            self.sink.leg_closed(code, reason)
            self.bell.ring()


class FakeDialer:
    """Implements `Dialer`: every dial succeeds, unless `failures` holds a reason for it."""

    def __init__(self) -> None:
        self.requests: list[DialRequest] = []
        self.legs: list[FakeLeg] = []
        self.failures: deque[DialFailed] = deque()
        self.held: asyncio.Event | None = None
        """Dials wait for it, or only those of `held_backend`."""
        self.held_backend: str | None = None
        self.early: Sequence[bytes] = ()
        """What the CSMS says before the dial has returned."""
        self.cancelled = 0
        self.bell = Bell()

    async def dial(self, request: DialRequest, sink: LegSink) -> FakeLeg:
        """Connect, or raise the next failure."""
        self.requests.append(request)
        self.bell.ring()
        if self.held is not None and self.held_backend in (None, request.leg.backend.name):
            try:
                await self.held.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                self.bell.ring()
                raise
        if self.failures:
            raise self.failures.popleft()
        leg = FakeLeg(sink, self.bell)
        self.legs.append(leg)
        for frame in self.early:
            sink.frame_received(frame)
        self.bell.ring()
        return leg

    async def until(self, fact: Callable[[], object], timeout_s: float = 5.0) -> None:
        """Wait until a fact about dials or legs is true; raises TimeoutError."""
        await self.bell.until(lambda: bool(fact()), timeout_s, lambda: "a fact about the dialer")

    async def leg(self, number: int = 1) -> FakeLeg:
        """Return the `number`th leg, as soon as it is open."""
        await self.until(lambda: len(self.legs) >= number)
        return self.legs[number - 1]


def leg_to(name: str, *, url: str = "ws://csms", credentials: CredentialsMode = "own") -> DesiredLeg:
    """Return a leg to a back-end that owns everything."""
    return DesiredLeg(Backend(name, url, ("ocpp1.6",)), Role("primary", frozenset({"*"})), credentials)
