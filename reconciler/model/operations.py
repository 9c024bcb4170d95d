"""Operations as they are kept: who had `local` do what on which charger, and what came of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class State(StrEnum):
    """Where an operation stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    """The station said no."""
    FAILED = "failed"
    TAKEN_AWAY = "taken-away"
    """Another back-end became the owner of the feature; what the station began it may well finish."""
    INTERRUPTED = "interrupted"
    """The server stopped meanwhile; what the station began it may well finish."""


class ProgressLine(msgspec.Struct, frozen=True):
    """How far an operation had come, in words."""

    at: datetime
    text: str


class OperationRecord(msgspec.Struct, frozen=True):
    """One operation on one charger. `parameters` and `result` are JSON and hold no secret.

    `holder` names the node that runs it, `batch` the bulk run that it is part of, "" for one that stands alone.
    """

    id: str
    charger: str
    operation: str
    feature: str
    parameters: Mapping[str, Any]
    actor: str
    reason: str
    started_at: datetime
    holder: str = ""
    batch: str = ""
    state: State = State.RUNNING
    result: Mapping[str, Any] | None = None
    problem: str = ""
    """Why it did not succeed."""
    progress: tuple[ProgressLine, ...] = ()
    ended_at: datetime | None = None

    @property
    def done(self) -> bool:
        """Return True once nothing more will come."""
        return self.state is not State.RUNNING


class Offer(msgspec.Struct, frozen=True):
    """Whether an operation can be done on a charger now; where not, `reason` says why and `way_out` what to do."""

    operation: str
    feature: str
    available: bool
    owner: str
    reason: str = ""
    way_out: str = ""
    owned_elsewhere: bool = False


class OperationOrder(msgspec.Struct, frozen=True):
    """What somebody wants done on a charger, and why."""

    charger: str
    operation: str
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)
    actor: str = ""
    reason: str = ""
    batch: str = ""
