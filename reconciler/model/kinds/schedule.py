"""Kinds ScheduledOutage and ChangeWindow: what happens, or may happen, at set times."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import FrozenDict, Name, SpecModel, UniqueItems, exactly_one, one_of_schema
from reconciler.model.kinds.binding import Flip
from reconciler.model.kinds.duration import Duration, PositiveDuration
from reconciler.model.kinds.selector import Selector
from reconciler.model.windows import START_PATTERN, Window, check_cron, check_zone, one_off, parse_start, recurring


def _start(text: str) -> str:
    parse_start(text)
    return text


def _cron(text: str) -> str:
    check_cron(text)
    return text


def _zone(text: str) -> str:
    check_zone(text)
    return text


class WindowSpec(SpecModel):
    """{start, duration, timeZone} for once, {cron, duration, timeZone} for again and again."""

    model_config = ConfigDict(json_schema_extra=one_of_schema("start", "cron"))

    start: Annotated[str, AfterValidator(_start), Field(json_schema_extra={"pattern": START_PATTERN})] | None = None
    """2026-12-01T02:00, in `timeZone` unless it has an offset."""
    cron: Annotated[str, AfterValidator(_cron)] | None = None
    """Five fields: minute, hour, day of month, month, day of week."""
    duration: PositiveDuration
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    """IANA name; needed unless `start` has an offset."""

    @model_validator(mode="after")
    def _opens(self) -> Self:
        exactly_one(self, "start", "cron")
        _ = self.window
        return self

    @property
    def window(self) -> Window:
        """The same as the value that knows when it holds."""
        if self.start is not None:
            return one_off(self.start, self.time_zone, self.duration)
        return recurring(self.cron or "", self.time_zone, self.duration)


class Notice(SpecModel):
    """Who is told ahead of an outage, and how long ahead."""

    before: Annotated[UniqueItems[Duration], Field(min_length=1)]
    to: Annotated[UniqueItems[Name], Field(min_length=1)]
    """Back-ends; their `contacts` are told."""


class ScheduledOutageSpec(SpecModel):
    """A planned change of roles, and the notice that partners get."""

    chargers: Selector
    window: WindowSpec
    roles: Annotated[dict[Name, Name], AfterValidator(FrozenDict), Field(min_length=1)]
    """Back-end -> role while the window is open; who is not named keeps the role it has."""
    notice: Notice | None = None
    flip: Flip | None = None
    """Default: as the binding says."""
    reason: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _notices_someone_else(self) -> Self:
        if self.notice is not None and "local" in self.notice.to:
            raise InvalidValue("local needs no notice", hint="notice.to names back-ends with contacts")
        return self


class ChangeWindowSpec(SpecModel):
    """When the controller and `apply` may change live chargers."""

    action: Literal["allow", "deny"]
    chargers: Selector
    window: WindowSpec
