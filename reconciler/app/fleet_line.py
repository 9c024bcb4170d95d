"""The line between `local` and stations wherever they are connected: here at once, elsewhere by errands.

call ──> the station is here ──> LocalLine                heard here ──> listeners here
    └──> it is elsewhere ──> errand ──> its node's LocalLine ──> answer       └──> whoever lent an ear elsewhere

Nothing is sent for a charger to which no other node listens.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.app.errands import Body, Errands, NobodyKnows, NotBegun
from reconciler.app.local_line import Listener, LocalLine, Payload, Then
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError
from reconciler.local.csms import StationAnswer

CALL: Final = "call"
HEARD: Final = "heard"


class FleetLine:
    """Speaks with every station as `LocalLine` does with those of this process.

    `elsewhere` returns the start of the node that a charger is connected to, "" where it is this one, or none.
    """

    def __init__(
        self, own: LocalLine, elsewhere: Callable[[str], str], errands: Errands, background: Background
    ) -> None:
        self._own = own
        self._elsewhere = elsewhere
        self._errands = errands
        self._background = background
        self._listeners: list[Listener] = []
        self._to_tell: dict[str, list[tuple[str, str, Payload]]] = {}
        self._unanswered = Counter[str]()
        self._held: dict[str, list[tuple[str, Payload]]] = {}
        """What a station said that may be on its way behind an answer; told behind it, as on a line of one process."""
        own.listen(self._heard_here)
        errands.on(CALL, self._call_for_another)
        errands.on(HEARD, self._heard_elsewhere)

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every CALL to `local` of a station here, and elsewhere of those attended to."""
        self._listeners.append(listener)

    def call(self, charger: str, action: str, payload: Payload, then: Then) -> None:
        """Send the station a CALL as `local`; `then` gets its answer, once and always."""
        start = self._elsewhere(charger)
        if not start:
            self._own.call(charger, action, payload, then)
            return
        self._background.start(self._call_elsewhere(start, charger, action, payload, then), name=f"call of {charger}")

    async def ask(self, charger: str, action: str, payload: Payload) -> StationAnswer:
        """Send the station a CALL as `local` and return its answer."""
        start = self._elsewhere(charger)
        if not start:
            return await self._own.ask(charger, action, payload)
        return await self._ask_elsewhere(start, charger, action, payload)

    async def _call_elsewhere(self, start: str, charger: str, action: str, payload: Payload, then: Then) -> None:
        then(await self._ask_elsewhere(start, charger, action, payload))

    async def _ask_elsewhere(self, start: str, charger: str, action: str, payload: Payload) -> StationAnswer:
        body = {"charger": charger, "action": action, "payload": payload}
        self._unanswered[charger] += 1
        try:
            answer = await self._errands.ask(start, CALL, body)
        except (NotBegun, NobodyKnows) as outcome:
            return StationAnswer(None, str(outcome))
        except FwdctlError as error:
            return StationAnswer(None, f"its node can't be asked: {error.summary}")
        finally:
            asyncio.get_running_loop().call_soon(self._answered, charger)  # behind whoever gets the answer
        return StationAnswer(answer["payload"], answer["error"])

    async def _call_for_another(self, body: Body) -> Body:
        answer = await self._own.ask(body["charger"], body["action"], body["payload"])
        return {"payload": answer.payload, "error": answer.error}

    # -- what stations say ---------------------------------------------------------------------------------------

    def _say(self, charger: str, action: str, payload: Mapping[str, Any]) -> None:
        """Tell who listens here, but nothing before the answer to what was asked earlier."""
        if self._unanswered[charger]:
            self._held.setdefault(charger, []).append((action, payload))
            return
        for listener in self._listeners:
            listener(charger, action, payload)

    def _answered(self, charger: str) -> None:
        self._unanswered[charger] -= 1
        if self._unanswered[charger] <= 0:
            del self._unanswered[charger]
            for action, payload in self._held.pop(charger, ()):
                self._say(charger, action, payload)

    def _heard_here(self, charger: str, action: str, payload: Mapping[str, Any]) -> None:
        self._say(charger, action, payload)
        for start in self._errands.listeners.get(charger, ()):
            if start in self._to_tell:
                self._to_tell[start].append((charger, action, payload))
            else:
                self._to_tell[start] = [(charger, action, payload)]
                self._background.start(self._tell(start), name=f"what stations say to node {start}")

    async def _tell(self, start: str) -> None:
        """Tell a node what was heard, in its order, until there is no more."""
        try:
            while said := self._to_tell[start]:
                self._to_tell[start] = []
                await self._errands.tell(start, HEARD, {"said": said})
        except NotBegun:
            pass  # it is gone
        finally:
            del self._to_tell[start]

    async def _heard_elsewhere(self, body: Body) -> None:
        for charger, action, payload in body["said"]:
            self._say(charger, action, payload)
