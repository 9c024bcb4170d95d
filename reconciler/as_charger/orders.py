"""Orders: every action that may concern a leg, and who decides on it."""

from collections.abc import Callable, Mapping
from typing import Final

from reconciler.as_charger.asked import Asked, Decision
from reconciler.as_charger.configuration16 import change_configuration
from reconciler.as_charger.variables import set_variables

_DECIDERS: Final[Mapping[str, Callable[[Asked], Decision | None]]] = {
    "ChangeConfiguration": change_configuration,
    "SetVariables": set_variables,
}


def decide(asked: Asked) -> Decision | None:
    """Return what is to become of a CALL about its sender's leg, None where that can only be refused."""
    decider = _DECIDERS.get(asked.action)
    return None if decider is None else decider(asked)
