"""The line between `local` and the stations: a leg like any other, which needs no socket, and what is said on it.

station ──> session ──> LocalConnection.send ──> LocalCsms ──> answer ──> session
                                └── heard ──> LocalLine ──> whoever listens
LocalLine.call ──> LocalConnection.call ──> session ──> the station's one slot, the same gate as for everybody (R8)
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.app.ports import Clock
from reconciler.local.csms import LocalCsms, StationAnswer
from reconciler.model.desired import LOCAL, DesiredLeg
from reconciler.relay import events

Payload = Mapping[str, Any]
Then = Callable[[StationAnswer], None]
Listener = Callable[[str, str, Payload], None]
"""Told charger, action and payload of a station's CALL; must not raise."""

LEFT = StationAnswer(None, "the charging station left")
NO_LINE = StationAnswer(None, "local is not connected to the charging station")


class LocalLine:
    """Every charger's connection to `local`."""

    def __init__(self) -> None:
        self._connections: dict[str, LocalConnection] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every CALL that a station sends `local`, its owner or an observer, after its answer."""
        self._listeners.append(listener)

    def call(self, charger: str, action: str, payload: Payload, then: Then) -> None:
        """Send the station a CALL as `local`; `then` gets its answer, once and always.

        It takes its turn behind the owner's other commands, and is refused where `local` may not give it (R8, R13).
        """
        connection = self._connections.get(charger)
        if connection is None:
            then(NO_LINE)
        else:
            connection.call(action, payload, then)

    async def ask(self, charger: str, action: str, payload: Payload) -> StationAnswer:
        """Send the station a CALL as `local` and return its answer."""
        answered: asyncio.Future[StationAnswer] = asyncio.get_running_loop().create_future()

        def settle(answer: StationAnswer) -> None:
            if not answered.done():
                answered.set_result(answer)

        self.call(charger, action, payload, settle)
        return await answered

    def connect(
        self,
        charger: str,
        csms: LocalCsms,
        clock: Clock,
        feed: Callable[[events.Event], None],
        new_id: Callable[[], str],
    ) -> "LocalConnection":
        """Return a new session's connection; not yet started."""
        connection = LocalConnection(
            csms, clock, feed, new_id, lambda action, payload: self._heard(charger, action, payload)
        )
        self._connections[charger] = connection
        connection.stopped = lambda: self._stopped(charger, connection)
        return connection

    def _stopped(self, charger: str, connection: "LocalConnection") -> None:
        if self._connections.get(charger) is connection:
            del self._connections[charger]

    def _heard(self, charger: str, action: str, payload: Payload) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.call_soon(listener, charger, action, payload)


class LocalConnection:
    """One session's leg to `local`, which is always there."""

    __slots__ = ("_asked", "_clock", "_csms", "_feed", "_new_id", "_there", "_told", "gone", "stopped")

    def __init__(
        self,
        csms: LocalCsms,
        clock: Clock,
        feed: Callable[[events.Event], None],
        new_id: Callable[[], str] = str,
        told: Callable[[str, Payload], None] = lambda action, payload: None,
    ) -> None:
        self._csms = csms
        csms.ears = self
        self._clock = clock
        self._feed = feed
        self._new_id = new_id
        self._told = told
        self._asked: dict[str, Then] = {}
        self._there = False
        self.stopped: Callable[[], None] = _nothing
        self.gone = asyncio.Event()
        self.gone.set()

    def start(self, predecessor: object = None) -> None:
        """Be there."""
        self._there = True
        self._feed(events.LegOpened(LOCAL))

    def redial(self, leg: DesiredLeg) -> None:
        """Be there anew."""
        self._give_up()
        self._feed(events.LegOpened(LOCAL))

    def call(self, action: str, payload: Payload, then: Then) -> None:
        """Send a CALL; `then` gets its answer, in a later turn of the loop."""
        if not self._there:
            asyncio.get_running_loop().call_soon(then, NO_LINE)
            return
        message_id = self._new_id()
        self._asked[message_id] = then
        self._feed(events.LegFrameReceived(LOCAL, msgspec.json.encode([2, message_id, action, payload])))

    def send(self, frame: bytes) -> None:
        """Take one frame and answer it."""
        answer = self._csms.frame_received(frame, self._clock.now())
        if answer is not None:
            self._feed(events.LegFrameReceived(LOCAL, answer))

    def stop(self, reason: str) -> None:
        """Be gone."""
        self._feed, self._there = _ignore, False
        self.stopped()
        self.stopped, self._csms.ears = _nothing, None  # which would keep each other
        self._give_up()

    # -- Ears --------------------------------------------------------------------------------------------------

    def heard(self, action: str, payload: Payload) -> None:
        """Take a CALL of the station."""
        self._told(action, payload)

    def answered(self, message_id: str, answer: StationAnswer) -> None:
        """Take the answer to a CALL of ours; a late one has nobody who waits."""
        then = self._asked.pop(message_id, None)
        if then is not None:
            asyncio.get_running_loop().call_soon(then, answer)

    def _give_up(self) -> None:
        asked, self._asked = self._asked, {}
        for then in asked.values():
            asyncio.get_running_loop().call_soon(then, LEFT)


def _ignore(event: events.Event) -> None:
    """Take an event of a connection that no session wants any more."""


def _nothing() -> None:
    """Do nothing."""
