"""What stations say of faults by NotifyEvent, the forms it has, and what is none of it."""

from typing import Any

import pytest

from reconciler.app.reported_faults import ReportedFault, ReportedFaults

CONNECTOR = {"name": "Connector", "evse": {"id": 1, "connectorId": 2}}


def said(*events: Any) -> dict[str, ReportedFault]:
    faults = ReportedFaults()
    for event in events:
        faults.take("cp1", {"seqNo": 0, "eventData": [event]})
    return dict(faults.of("cp1"))


def event(component: Any, variable: str, value: str, **more: Any) -> dict[str, Any]:
    return {"component": component, "variable": {"name": variable}, "actualValue": value, "trigger": "Delta", **more}


@pytest.mark.parametrize(
    ("told", "where", "fault"),
    [
        (event(CONNECTOR, "AvailabilityState", "Faulted"), "1/2", ReportedFault(True, "EVSE 1, connector 2")),
        (event(CONNECTOR, "AvailabilityState", "Occupied"), "1/2", ReportedFault(False, "EVSE 1, connector 2")),
        (
            event({"name": "EVSE", "evse": {"id": 2}}, "AvailabilityState", "Faulted", techCode="E42", techInfo="hot"),
            "2/0",
            ReportedFault(True, "EVSE 2, E42, hot"),
        ),
        (
            event({"name": "Modem"}, "Problem", "true", trigger="Alerting"),
            "0/0/Modem",
            ReportedFault(True, "the whole station, Modem has a problem"),
        ),
        (
            event({"name": "Modem"}, "Problem", "true", cleared=True),
            "0/0/Modem",
            ReportedFault(False, "the whole station, Modem has a problem"),
        ),
    ],
    ids=["faulted", "well", "evse", "problem", "cleared"],
)
def test_a_fault_is_where_it_is_said_to_be(told: Any, where: str, fault: ReportedFault) -> None:
    assert said(told) == {where: fault}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"eventData": "x"},
        {"eventData": [1, None, {}, {"component": 3, "variable": {"name": "Problem"}}]},
        {"eventData": [event({"name": "Fan"}, "Temperature", "91", trigger="Alerting")]},
        {"eventData": [event({"name": "x", "evse": {"id": "?"}}, "AvailabilityState", "Available")]},
    ],
    ids=["nothing", "text", "odd", "another variable", "odd place"],
)
def test_nothing_that_a_station_says_breaks_it_or_makes_a_fault(payload: Any) -> None:
    faults = ReportedFaults()
    faults.take("cp1", payload)
    assert not any(fault.stands for fault in faults.of("cp1").values())


def test_the_last_word_counts_a_boot_begins_anew_and_made_up_components_are_bounded() -> None:
    broken, well = event(CONNECTOR, "AvailabilityState", "Faulted"), event(CONNECTOR, "AvailabilityState", "Available")
    assert not said(broken, well)["1/2"].stands
    assert said(well, broken)["1/2"].stands
    faults = ReportedFaults()
    faults.take("cp1", {"eventData": [event({"name": f"c{number}"}, "Problem", "true") for number in range(500)]})
    assert len(faults.of("cp1")) == 64
    faults.forget("cp1")
    assert not faults.of("cp1")
