"""Specs on their way: what a command does to the process that it runs in ends with it."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli.specs import planned
from reconciler.errors import InvalidSpecs

EXAMPLE = Path(__file__).parents[3] / "examples" / "01-one-backend" / "site.yaml"


class Planner(ApiClient):
    """Answers plans, and notes whether the collector was at work meanwhile."""

    def __init__(self) -> None:
        self.collected: list[bool] = []

    def plan(self, body: Any) -> Json:
        """Return a plan."""
        self.collected.append(gc.isenabled())
        return {"plan_id": "p1"}


@pytest.fixture(params=[True, False])
def collector(request: pytest.FixtureRequest) -> Iterator[bool]:
    """The collector as a process may have it: on or off."""
    was_on = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if was_on else gc.disable)()


def test_the_collector_rests_while_specs_are_sent_and_is_afterwards_as_it_was(tmp_path: Path, collector: bool) -> None:
    (tmp_path / "wrong.yaml").write_text("apiVersion: fwdctl/v1\nkind: Nothing\n")
    api, frozen = Planner(), gc.get_freeze_count()
    with pytest.raises(InvalidSpecs):
        planned(api, [str(tmp_path)], select=[])
    assert (gc.isenabled(), gc.get_freeze_count()) == (collector, frozen)  # what is frozen is never collected

    planned(api, [str(EXAMPLE)], select=[])
    assert (gc.isenabled(), gc.get_freeze_count()) == (collector, frozen)
    assert api.collected == [False]
