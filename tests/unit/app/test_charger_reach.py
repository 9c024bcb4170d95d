"""A token for some chargers reaches those, what declares them and what selects by the same labels; nothing else."""

from typing import Any

import pytest

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.charger_reach import ChargerReach
from reconciler.app.ports import ResourceWrite, RevisionMeta
from reconciler.errors import NotAllowed
from reconciler.model.plan import Action, Disruption, Effect, Plan, ResourceChange
from tests.support import specs
from tests.support.clock import EPOCH
from tests.support.memory_store import MemoryStore

DEPOT_A = {"site": "a"}
EVERYTHING: dict[str, str] = {}


def charger(name: str, **labels: str) -> dict[str, Any]:
    """Return a charger's document."""
    return {"metadata": {"name": name, "labels": labels}, "spec": {}}


def selecting(**chargers: Any) -> dict[str, Any]:
    """Return the document of something that selects chargers."""
    return {"metadata": {"name": "x"}, "spec": {"chargers": chargers}}


def planned(address: str, after: dict[str, Any] | None, *, before: dict[str, Any] | None = None) -> Plan:
    """Return a plan of one change, as a caller may have written it."""
    action = Action.DELETE if after is None else Action.UPDATE
    return Plan("p", EPOCH, 1, (ResourceChange(address, action, before, after),))


@pytest.fixture
async def reach() -> ChargerReach:
    """Reach over a site with cp1 and cp2 in depot a, and cp9 in depot b."""
    site = [
        specs.profile(),
        specs.backend("partner"),
        specs.charger("cp1"),
        specs.charger("cp2"),
        specs.charger("cp9", {"site": "b"}),
        specs.binding("a"),
        specs.binding("b"),
    ]
    writes = [ResourceWrite(address, found.content, 0) for address, found in specs.resources(site).items()]
    store = MemoryStore()
    await store.commit_revision(writes, RevisionMeta(EPOCH, "ann"), "p1")
    return ChargerReach(AppliedSpecs(store))


async def test_chargers_with_the_labels_are_within_reach(reach: ChargerReach) -> None:
    assert await reach.chargers(DEPOT_A) == {"cp1", "cp2"}
    assert await reach.chargers({"site": "a", "more": "x"}) == frozenset()
    assert await reach.chargers(EVERYTHING) == {"cp1", "cp2", "cp9"}
    await reach.check_chargers(["cp1", "charger.cp2"], DEPOT_A)
    await reach.check_chargers(["*"], EVERYTHING)
    for patterns in (["cp9"], ["cp1", "cp9"], ["cp*"]):
        with pytest.raises(NotAllowed, match=r"site=a, and charger\.cp9"):
            await reach.check_chargers(patterns, DEPOT_A)


async def test_an_address_is_a_charger_s_within_reach_or_it_is_refused(reach: ChargerReach) -> None:
    await reach.check_address("charger.cp1", DEPOT_A)
    for address in ("charger.cp9", "backend.a", "charger.none", "nonsense"):
        with pytest.raises(NotAllowed):
            await reach.check_address(address, DEPOT_A)


@pytest.mark.parametrize(
    ("address", "after", "allowed"),
    [
        ("charger.cp1", charger("cp1", site="a", vendor="x"), True),
        ("charger.cp1", None, True),
        ("charger.new", charger("new", site="a"), True),
        ("charger.new", charger("new"), False),
        ("charger.cp1", charger("cp1", site="b"), False),
        ("charger.cp9", charger("cp9", site="a"), False),
        ("charger.cp9", None, False),
        ("split-system.s", charger("s", site="a"), True),
        ("backend-binding.x", selecting(labels={"site": "a", "vendor": "x"}), True),
        ("backend-binding.x", selecting(labels={"vendor": "x"}), False),
        ("backend-binding.x", selecting(names=["cp1"]), False),
        ("scheduled-outage.x", selecting(labels={"site": "a"}), True),
        ("backend.a", {"spec": {"url": "ws://evil.example"}}, False),
        ("security-profile.open", {"spec": {"profile": 0}}, False),
        ("role.x", {"spec": {"owns": ["*"]}}, False),
    ],
)
async def test_a_plan_changes_nothing_out_of_reach(
    reach: ChargerReach, address: str, after: dict[str, Any] | None, allowed: bool
) -> None:
    lie = charger("cp9", site="a")
    await reach.check_plan(planned(address, after), EVERYTHING)
    if allowed:
        await reach.check_plan(planned(address, after, before=lie), DEPOT_A)
    else:
        with pytest.raises(NotAllowed, match=address):
            await reach.check_plan(planned(address, after, before=lie), DEPOT_A)


async def test_a_plan_touches_no_charger_out_of_reach(reach: ChargerReach) -> None:
    plan = Plan("p", EPOCH, 1, effects=(Effect(Disruption.LIVE_FLIP, chargers=("cp1",), deferred=("cp9",)),))
    with pytest.raises(NotAllowed, match="cp9"):
        await reach.check_plan(plan, DEPOT_A)
