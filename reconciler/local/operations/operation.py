"""An operation as the catalogue lists it, and an order for one."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from pydantic import ValidationError

from reconciler.errors import FwdctlError
from reconciler.local.operations.course import Course
from reconciler.local.operations.model import Parameters, Result
from reconciler.model.described import Described

FileNeed = Literal["", "serves", "receives"]


class Order(msgspec.Struct, frozen=True):
    """One operation on one charging station, as its course needs to know it."""

    version: str
    """The session's subprotocol."""
    parameters: Any
    """Of the operation's own parameters class."""
    request_id: int
    """For 2.x and the security extensions: tells this job's reports from others'."""
    now: str = ""
    """The time, as OCPP writes it."""
    url: str = ""
    """Where the station finds or leaves the job's file, for operations that need one."""
    facts: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What the server knows of the job's file (`signature`, `certificate`), or of the charger's transactions."""

    @property
    def is_16(self) -> bool:
        """Return True for OCPP 1.6."""
        return self.version == "ocpp1.6"


class Operation(msgspec.Struct, frozen=True):
    """One operation of `local`."""

    name: str
    summary: str
    feature: str
    """Whoever owns it may do this; facts/ocpp_actions.csv has it for every action."""
    actions: Mapping[str, tuple[str, ...]]
    """Subprotocol -> the CALLs that it sends; a version that is missing has no such operation."""
    parameters: type[Parameters]
    result: type[Result]
    course: Callable[[Order], Course]
    read_only: bool = False
    """Allowed, too, where `local` may read (a role's `mayRead`)."""
    file: FileNeed = ""
    """Does the server serve a file for it, or receive one?"""

    def read(self, given: Mapping[str, Any]) -> Parameters:
        """Return `given` as this operation's parameters; raises FwdctlError naming every one that is wrong."""
        try:
            return self.parameters.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(_told(problem) for problem in error.errors())
            raise FwdctlError(
                f"{self.name}: {problems}", hint=f"what it takes: fwdctl op CHARGER {self.name} --help"
            ) from error

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameters."""
        return self.parameters.model_json_schema(schema_generator=Described)


def _told(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{place} is missing"
    if problem["type"] == "extra_forbidden":
        return f"there is no parameter {place}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def every_version(*actions: str) -> dict[str, tuple[str, ...]]:
    """Return `actions` as the CALLs of all three versions."""
    return dict.fromkeys(("ocpp1.6", "ocpp2.0.1", "ocpp2.1"), actions)


def only_16(*actions: str) -> dict[str, tuple[str, ...]]:
    """Return `actions` as the CALLs of 1.6, and nothing for the others."""
    return {"ocpp1.6": actions}


def only_2(*actions: str) -> dict[str, tuple[str, ...]]:
    """Return `actions` as the CALLs of 2.0.1 and 2.1, and nothing for 1.6."""
    return dict.fromkeys(("ocpp2.0.1", "ocpp2.1"), actions)
