"""The audit of the admin API: every call that asks for a change is an event of history, refused ones too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.app.ports import Clock
from reconciler.model.access import Caller, printable
from reconciler.model.history import HistoryEvent

API_CALL: Final = "api-call"


@dataclass(slots=True)
class ApiCall:
    """A call that somebody known makes; `claim` is what it says of itself, once that was read."""

    caller: Caller
    method: str
    path: str
    remote: str
    claim: str = ""

    def acting(self, claim: str) -> str:
        """Return whom history is to name as the actor, and remember the claim."""
        self.claim = printable(claim)
        return self.caller.acting(claim)


class ApiAudit:
    """Writes calls down; `record` takes an event and never waits."""

    def __init__(self, record: Callable[[HistoryEvent], None], clock: Clock) -> None:
        self._record = record
        self._clock = clock

    def answered(self, call: ApiCall, status: int) -> None:
        """Write down a call and the HTTP status that answered it."""
        caller = call.caller
        details = {
            "caller": caller.name,
            "token": caller.token_id,
            "proven": caller.proven,
            "claim": call.claim,
            "access": caller.access.value,
            "remote": call.remote,
            "status": status,
        }
        summary = f"{call.method} {printable(call.path)} was answered {status}"
        actor = caller.acting(call.claim)
        self._record(HistoryEvent(self._clock.now(), API_CALL, summary, actor=actor, details=details))
