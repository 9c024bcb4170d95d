"""The three OCPP versions as the `ocpp` package knows them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, TypeVar, cast

import ocpp.messages
import ocpp.v16.call_result
import ocpp.v16.enums
import ocpp.v21.call_result
import ocpp.v21.enums
import ocpp.v201.call_result
import ocpp.v201.enums
from ocpp.exceptions import OCPPError
from ocpp.routing import on

from reconciler.testing.frames import CALL, CALLRESULT, SEND

# The documented switch: validating in a thread per frame would let answers overtake each other.
ocpp.messages.ASYNC_VALIDATION = False

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version: `version` as the package writes it, `results` its module of answers, `actions` its action names."""

    subprotocol: str
    version: str
    point: type[Any]
    results: ModuleType
    actions: frozenset[str]


def _dialect(version: str, package: ModuleType, results: ModuleType, enums: ModuleType) -> Dialect:
    actions = frozenset(action.value for action in enums.Action)
    return Dialect(f"ocpp{version}", version, package.ChargePoint, results, actions)


DIALECTS: Final[dict[str, Dialect]] = {
    dialect.subprotocol: dialect
    for dialect in (
        _dialect("1.6", ocpp.v16, ocpp.v16.call_result, ocpp.v16.enums),
        _dialect("2.0.1", ocpp.v201, ocpp.v201.call_result, ocpp.v201.enums),
        _dialect("2.1", ocpp.v21, ocpp.v21.call_result, ocpp.v21.enums),
    )
}
"""Subprotocol -> dialect."""


def subprotocols(versions: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Return subprotocol names for versions written "ocpp1.6" or "1.6"; raises ValueError for any other."""
    listed = (versions,) if isinstance(versions, str) else tuple(versions)
    names = tuple(v if v.startswith("ocpp") else f"ocpp{v}" for v in listed)
    if unknown := [name for name in names if name not in DIALECTS]:
        raise ValueError(f"no such version: {', '.join(unknown)}; known are {', '.join(DIALECTS)}")
    return names


def answers(action: str) -> Callable[[Handler], Handler]:
    """Mark a method as the one that answers `action`: the package's `on`, with types."""
    return cast(Callable[[Handler], Handler], on(action))


async def check(dialect: Dialect, kind: int, action: str, payload: Any) -> None:
    """Check a payload against the schema of its action; raises CallInvalid."""
    try:
        if kind == SEND:
            # The package has the schema of the one SEND, and no class for the message type.
            ocpp.messages.get_validator(SEND, action, dialect.version).validate(payload)
        elif kind == CALL:
            await ocpp.messages.validate_payload(ocpp.messages.Call("", action, payload), dialect.version)
        else:
            await ocpp.messages.validate_payload(ocpp.messages.CallResult("", payload, action), dialect.version)
    except OCPPError as wrong:
        cause = str(wrong.details.get("cause", wrong.description))
        raise CallInvalid(f"{_NAMES[kind]} of {action}: {cause}", legal_code(dialect, wrong.code)) from None
    except (ocpp.messages.SchemaValidationError, OSError) as wrong:
        raise CallInvalid(f"{_NAMES[kind]} of {action}: {wrong}", legal_code(dialect, "FormatViolation")) from None


_NAMES: Final = {CALL: "CALL", CALLRESULT: "CALLRESULT", SEND: "SEND"}


class CallInvalid(Exception):
    """A payload that its schema refuses; `code` is the CALLERROR code that fits."""

    def __init__(self, summary: str, code: str) -> None:
        super().__init__(summary)
        self.code = code


def legal_code(dialect: Dialect, code: str) -> str:
    """Return the CALLERROR code as this version spells it: 1.6 says FormationViolation and must."""
    return "FormationViolation" if dialect.version == "1.6" and code == "FormatViolation" else code


def timestamp(now_s: float) -> str:
    """Return seconds since 1970 as OCPP writes an instant: RFC 3339 in UTC, with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_s)) + f".{int(now_s * 1000) % 1000:03d}Z"
