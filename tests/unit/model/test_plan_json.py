"""Plan JSON: written, read back, versioned, and as its schema says."""

from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest
from msgspec.structs import replace

from reconciler.errors import FwdctlError
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.plan import (
    Action,
    Block,
    Disruption,
    Effect,
    FieldChange,
    Move,
    Pending,
    Plan,
    ResourceChange,
)
from reconciler.model.plan_json import from_json, plan_schema, to_json
from tests.support.clock import EPOCH

CHANGE = ResourceChange(
    "backend.a",
    Action.UPDATE,
    {"spec": {"url": "ws://old"}},
    {"spec": {"url": "ws://new"}},
    (FieldChange("spec.url", "ws://old", "ws://new"),),
    seen_version=3,
    position=Position("site.yaml", 7, 3),
)
FLIP = Effect(
    Disruption.REFUSED,
    "the open transaction ends",
    (Move(("metering",), "a", "b"),),
    ("b joins as primary",),
    ("cp001",),
    ("cp001",),
    ("cp002",),
)
PLAN = Plan(
    plan_id="p1",
    created_at=EPOCH,
    base_revision=4,
    resource_changes=(CHANGE,),
    effects=(FLIP,),
    basis={"backend.a": 3},
    live=1,
    warnings=(Diagnostic(Severity.WARNING, "odd", "backend.a", None, "do this"),),
    blocked=(Block("change-window", "nights only", "--override-window", EPOCH + timedelta(hours=1)),),
    pending=(Pending("cp003", "grid rejects"),),
)


def changed(**fields: Any) -> dict[str, Any]:
    return to_json(PLAN) | fields


def test_a_plan_survives_the_round_trip() -> None:
    assert from_json(to_json(PLAN)) == PLAN


def test_the_json_says_whether_the_plan_can_be_applied_and_whether_it_will_be_complete() -> None:
    free = replace(PLAN, blocked=(), effects=())
    assert (to_json(PLAN)["applyable"], to_json(PLAN)["complete"]) == (False, False)
    assert (to_json(free)["applyable"], to_json(free)["complete"]) == (True, True)
    assert to_json(Plan("p1", EPOCH, 0))["applyable"] is False


def test_the_version_is_the_first_field_and_the_summary_is_there() -> None:
    assert next(iter(to_json(PLAN).items())) == ("format_version", "1.3")
    assert to_json(PLAN)["summary"]["change"] == 1


def test_fields_of_a_newer_minor_version_are_ignored() -> None:
    newer = changed(format_version="1.9", colour="blue")
    newer["effects"][0]["mood"] = "good"
    assert from_json(newer) == replace(PLAN, format_version="1.9")


@pytest.mark.parametrize("version", ["2.0", "0.9"])
def test_another_major_version_is_refused(version: str) -> None:
    with pytest.raises(FwdctlError, match=f"format version {version}"):
        from_json(changed(format_version=version))


@pytest.mark.parametrize("document", [{}, {"format_version": 1}, {"format_version": "new"}])
def test_what_is_no_plan_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(FwdctlError, match="not a plan"):
        from_json(document)


def test_a_damaged_plan_is_refused_with_the_place() -> None:
    with pytest.raises(FwdctlError, match=r"damaged at base_revision$"):
        from_json(changed(base_revision="x", basis=7))
    with pytest.raises(FwdctlError, match=r"damaged at effects\[0\]\.moves$"):
        from_json(changed(effects=[{"disruption": "none", "moves": 1}]))
    with pytest.raises(FwdctlError, match=r"damaged$"):
        from_json({"format_version": "1.1"})


def test_what_is_written_is_as_the_schema_says() -> None:
    validator = jsonschema_rs.validator_for(plan_schema())
    validator.validate(to_json(PLAN))
    validator.validate(to_json(Plan("p1", EPOCH, 0)))
    assert not validator.is_valid(changed(base_revision="x"))
    assert not validator.is_valid({key: value for key, value in to_json(PLAN).items() if key != "summary"})
