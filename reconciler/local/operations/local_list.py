"""The local authorization list: its version, and sending it."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from reconciler.local.operations.course import Course, ask, ask_for, text
from reconciler.local.operations.model import IdToken, NoParameters, Parameters, Result, TokenType
from reconciler.local.operations.operation import Operation, Order, every_version


class ListVersionResult(Result):
    """The version of the list in the station."""

    version: int = 0
    """0: the list is empty; -1 (1.6): the station keeps none."""


def list_version(order: Order) -> Course:
    """Ask for the version of the local list."""
    answer = yield from ask("GetLocalListVersion", {})
    version = answer.get("listVersion" if order.is_16 else "versionNumber")
    return ListVersionResult(version=version if isinstance(version, int) else 0)


class ListSendParameters(Parameters):
    """Whom to put on the list, or take off it."""

    version: Annotated[int, Field(ge=1, lt=2**31)]
    """The version that the list has afterwards."""
    update: Literal["full", "differential"] = "differential"
    """Replace the whole list, or change it."""
    accept: tuple[IdToken, ...] = ()
    """Id tokens that may charge."""
    remove: tuple[IdToken, ...] = ()
    """Id tokens to take off (differential)."""
    token_type: TokenType = "ISO14443"
    """2.x: what kind of tokens they are."""


def list_send(order: Order) -> Course:
    """Send the local list, or changes of it."""
    wanted: ListSendParameters = order.parameters
    entries = [_entry(order, tag, "Accepted") for tag in wanted.accept]
    entries += [_entry(order, tag, "") for tag in wanted.remove]
    version = {"listVersion" if order.is_16 else "versionNumber": wanted.version}
    payload: dict[str, Any] = version | {"updateType": wanted.update.capitalize()}
    if entries:
        payload["localAuthorizationList"] = entries
    answer = yield from ask_for("SendLocalList", payload, "Accepted")
    return Result(status=text(answer, "status"))


def _entry(order: Order, tag: str, status: str) -> dict[str, Any]:
    """Return one entry; without a status it takes the token off."""
    token: Any = tag if order.is_16 else {"idToken": tag, "type": order.parameters.token_type}
    named = {"idTag" if order.is_16 else "idToken": token}
    return named | ({"idTagInfo" if order.is_16 else "idTokenInfo": {"status": status}} if status else {})


OPERATIONS: Final = (
    Operation(
        "local-list-version",
        "read the version of the local authorization list",
        "local-auth-list",
        every_version("GetLocalListVersion"),
        NoParameters,
        ListVersionResult,
        list_version,
        read_only=True,
    ),
    Operation(
        "local-list-send",
        "send the local authorization list, or changes of it",
        "local-auth-list",
        every_version("SendLocalList"),
        ListSendParameters,
        Result,
        list_send,
    ),
)
