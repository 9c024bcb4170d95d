"""Names of OCPP 2.x variables as people write them: Component[instance]#EVSE.connector / Variable[instance].

OCPPCommCtrlr.HeartbeatInterval     Connector#1.1.AvailabilityState     SampledDataCtrlr.TxUpdatedInterval
LocalAuthListCtrlr[a].Entries[b]
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

import msgspec
from pydantic import AfterValidator

_NAME: Final = re.compile(
    r"(?P<component>[^.\[\]#]{1,50})(\[(?P<component_instance>[^\]]{1,50})\])?"
    r"(#(?P<evse>\d{1,5})(\.(?P<connector>\d{1,5}))?)?"
    r"\.(?P<variable>[^.\[\]#]{1,50})(\[(?P<variable_instance>[^\]]{1,50})\])?"
)


class Variable(msgspec.Struct, frozen=True):
    """One variable of one component."""

    component: str
    variable: str
    component_instance: str = ""
    variable_instance: str = ""
    evse: int | None = None
    connector: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the variable that `text` names; raises ValueError where it names none."""
        found = _NAME.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no variable; write it as Component.Variable, OCPPCommCtrlr.HeartbeatInterval"
            )
        part = found.groupdict(default="")
        return cls(
            part["component"],
            part["variable"],
            part["component_instance"],
            part["variable_instance"],
            int(part["evse"]) if part["evse"] else None,
            int(part["connector"]) if part["connector"] else None,
        )

    @classmethod
    def from_ocpp(cls, row: Mapping[str, Any]) -> Self:
        """Return the variable that an object of OCPP names in `component` and `variable`; lenient."""
        component, variable = _object(row.get("component")), _object(row.get("variable"))
        evse = _object(component.get("evse"))
        return cls(
            str(component.get("name", "?")),
            str(variable.get("name", "?")),
            str(component.get("instance", "")),
            str(variable.get("instance", "")),
            _number(evse.get("id")),
            _number(evse.get("connectorId")),
        )

    def to_ocpp(self) -> dict[str, Any]:
        """Return `component` and `variable` as OCPP writes them."""
        component: dict[str, Any] = {"name": self.component}
        variable: dict[str, Any] = {"name": self.variable}
        if self.component_instance:
            component["instance"] = self.component_instance
        if self.variable_instance:
            variable["instance"] = self.variable_instance
        if self.evse is not None:
            component["evse"] = {"id": self.evse} | ({} if self.connector is None else {"connectorId": self.connector})
        return {"component": component, "variable": variable}

    def __str__(self) -> str:
        where = "" if self.evse is None else f"#{self.evse}" + ("" if self.connector is None else f".{self.connector}")
        return f"{self.component}{_bracketed(self.component_instance)}{where}.{self.variable}" + _bracketed(
            self.variable_instance
        )


def _bracketed(instance: str) -> str:
    return f"[{instance}]" if instance else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _checked(text: str) -> str:
    Variable.parse(text)
    return text


VariableName = Annotated[str, AfterValidator(_checked)]
"""A variable's name, checked and kept as it was written."""
