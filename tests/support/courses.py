"""Plays an operation's course without a station: what it asks is checked against OCPP's schemas and answered."""

from collections.abc import Mapping
from typing import Any

from reconciler.local.operations.catalogue import OPERATIONS
from reconciler.local.operations.course import Answered, Call, Command, Event, Finished, Machine, Progress
from reconciler.local.operations.operation import Order
from tests.support.ocpp_schemas import faults

VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
SECOND_VERSIONS = VERSIONS[1:]


class Play:
    """One operation of one version, from its start to where it stands."""

    def __init__(
        self, version: str, operation: str, given: Mapping[str, Any] | None = None, **order_besides: Any
    ) -> None:
        self.version = version
        self.operation = OPERATIONS[operation]
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.told: list[str] = []
        self.finished: Finished | None = None
        self.now = 0.0
        parameters = self.operation.read(given or {})
        order = Order(version, parameters, request_id=7, now="2026-12-01T02:00:00Z", **order_besides)
        self.machine = Machine(self.operation.course(order))
        self._take(self.machine.start(self.now))

    def answer(self, payload: Mapping[str, Any]) -> "Play":
        """Answer what was asked last."""
        return self.happens(Answered(payload))

    def happens(self, *events: Event, after_s: float = 0.0) -> "Play":
        """Let events happen, `after_s` later."""
        self.now += after_s
        for event in events:
            self._take(self.machine.handle(event, self.now))
        return self

    @property
    def last(self) -> Mapping[str, Any]:
        """Return the payload of the last CALL."""
        return self.asked[-1][1]

    @property
    def end(self) -> Finished:
        """Return how it ended."""
        assert self.finished is not None, f"goes on after {self.asked} {self.told}"
        return self.finished

    def _take(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Call(action, payload):
                    assert faults(self.version, action, "request", payload) == []
                    assert action in self.operation.actions[self.version]
                    self.asked.append((action, payload))
                case Progress(text):
                    self.told.append(text)
                case Finished():
                    assert self.finished is None
                    self.finished = command
