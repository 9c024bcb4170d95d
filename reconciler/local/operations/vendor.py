"""Vendor messages: DataTransfer to the station, its data in the vendor's own form."""

from typing import Any, Final

import msgspec
from pydantic import Field

from reconciler.local.operations.course import Course, ask_for, text
from reconciler.local.operations.model import Parameters, Result
from reconciler.local.operations.operation import Operation, Order, every_version


class DataTransferParameters(Parameters):
    """The vendor's message."""

    vendor_id: str = Field(min_length=1, max_length=255)
    """Whose message it is, for example com.acme."""
    message_id: str = Field(default="", max_length=50)
    """Which of that vendor's messages."""
    data: str = ""
    """What is in it; in 2.x JSON is sent as such, anything else as text."""


class DataTransferResult(Result):
    """The station's answer."""

    data: Any = None


def data_transfer(order: Order) -> Course:
    """Send a vendor's message."""
    wanted: DataTransferParameters = order.parameters
    payload: dict[str, Any] = {"vendorId": wanted.vendor_id}
    if wanted.message_id:
        payload["messageId"] = wanted.message_id
    if wanted.data:
        payload["data"] = wanted.data if order.is_16 else _json_or_text(wanted.data)
    answer = yield from ask_for("DataTransfer", payload, "Accepted")
    return DataTransferResult(status=text(answer, "status"), data=answer.get("data"))


def _json_or_text(data: str) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return data


OPERATIONS: Final = (
    Operation(
        "data-transfer",
        "send a vendor's message",
        "data-transfer",
        every_version("DataTransfer"),
        DataTransferParameters,
        DataTransferResult,
        data_transfer,
    ),
)
