"""The catalogue: every operation of `local`, by name, in the order in which people are shown them."""

from collections.abc import Mapping
from typing import Final

from reconciler.errors import UnknownAddress
from reconciler.local.operations import (
    certificates,
    charging,
    configuration,
    control,
    firmware,
    local_list,
    logs,
    vendor,
)
from reconciler.local.operations.operation import Operation

OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.name: operation
    for part in (control, configuration, firmware, logs, local_list, charging, certificates, vendor)
    for operation in part.OPERATIONS
}
"""Name -> operation."""


def operation_named(name: str) -> Operation:
    """Return an operation; raises UnknownAddress where there is none of that name."""
    found = OPERATIONS.get(name)
    if found is None:
        raise UnknownAddress(f"there is no operation {name}", hint=f"there are {', '.join(OPERATIONS)}")
    return found
