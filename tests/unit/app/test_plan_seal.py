"""Plan seal: a plan that somebody touched is not applied."""

import json
from typing import Any

import pytest

from reconciler.app.plan_seal import PlanSeal
from reconciler.errors import FwdctlError, StalePlan
from reconciler.model.plan import Action, Plan, ResourceChange
from tests.support.clock import EPOCH

SEAL = PlanSeal(b"k" * 32)
CHANGE = ResourceChange("backend.grid", Action.UPDATE, {"spec": {"url": "ws://a"}}, {"spec": {"url": "ws://b"}})
PLAN = Plan("p1", EPOCH, 1, (CHANGE,), basis={"backend.grid": 3})


def in_a_file(document: dict[str, Any]) -> dict[str, Any]:
    """Return it as it comes back from a file."""
    found: dict[str, Any] = json.loads(json.dumps(document, indent=2))
    return found


def test_a_sealed_plan_comes_back_from_a_file_whatever_the_order_of_its_fields() -> None:
    document = in_a_file(SEAL.sealed(PLAN))
    assert SEAL.opened(dict(reversed(document.items()))) == PLAN


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("resource_changes", 0, "after", "spec", "url"), "ws://evil"),
        (("resource_changes", 0, "seen_version"), 4),
        (("basis", "backend.grid"), 4),
        (("blocked",), [{"guard": "x", "summary": "y", "override": "z"}]),
        (("plan_id",), "p2"),
        (("new",), True),
    ],
)
def test_no_field_of_it_can_be_changed(place: tuple[Any, ...], value: object) -> None:
    document = in_a_file(SEAL.sealed(PLAN))
    *way, last = place
    inner: Any = document
    for step in way:
        inner = inner[step]
    inner[last] = value
    with pytest.raises(StalePlan, match="was changed after it was made"):
        SEAL.opened(document)


def test_a_plan_without_a_seal_or_of_another_server_is_refused() -> None:
    document = in_a_file(SEAL.sealed(PLAN))
    with pytest.raises(StalePlan, match="sealed by another server") as refused:
        PlanSeal(b"x" * 32).opened(document)
    assert "--encryption-key-file" in refused.value.hint
    del document["seal"]
    with pytest.raises(StalePlan, match="has no seal"):
        SEAL.opened(document)
    with pytest.raises(FwdctlError, match="not a plan"):
        SEAL.opened({})


def test_the_seal_tells_nothing_of_the_key() -> None:
    assert ("k" * 32) not in json.dumps(SEAL.sealed(PLAN))
    assert SEAL.sealed(PLAN)["seal"] == PlanSeal(b"k" * 32).sealed(PLAN)["seal"]


def test_a_plan_that_was_touched_is_heard_of() -> None:
    seal, heard = PlanSeal(b"k" * 32), list[str]()
    seal.broken = heard.append
    whole, foreign = in_a_file(seal.sealed(PLAN)), in_a_file(PlanSeal(b"other" * 7).sealed(PLAN))
    assert seal.opened(whole) == PLAN
    for document in ({**whole, "plan_id": "p2"}, foreign, {key: whole[key] for key in whole if key != "seal"}):
        with pytest.raises(StalePlan):
            seal.opened(document)
    assert heard[0] == "plan p2 was changed after it was made"
    assert [why.partition(":")[0] for why in heard[1:]] == ["a plan sealed with another key", "a plan without a seal"]
