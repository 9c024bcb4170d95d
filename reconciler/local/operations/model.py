"""What every operation is made of: typed parameters, a typed result, and the words they share."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Parameters(BaseModel):
    """What an operation is told; every field is known, nothing changes afterwards. Its JSON Schema is a form."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def shown(self) -> dict[str, Any]:
        """Return them as JSON for history and whoever follows: no secret is in it, nor what was not given."""
        return self.model_dump(mode="json", exclude_unset=True)


class NoParameters(Parameters):
    """An operation that needs to be told nothing."""


class Result(BaseModel):
    """What came of an operation."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    status: str = ""
    """As the charging station answered it, "" where it has no word for it."""


Connector = Annotated[int, Field(ge=0, le=10_000)]
"""A connector of 1.6; in 2.x the EVSE of that number."""
IdToken = Annotated[str, Field(min_length=1, max_length=36)]
TokenType = Literal["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"]
EvseConnector = Annotated[int, Field(ge=1, le=10_000)]
