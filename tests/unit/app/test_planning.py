"""Planning: what the server adds to the pure planner."""

import pytest

from reconciler.app.applying import ApplyRequest
from reconciler.app.planning import PlanRequest
from reconciler.app.reconciler import Reconciler
from reconciler.errors import FwdctlError, InvalidSpecs
from reconciler.model.documents import Document
from reconciler.model.plan import Action, Pending
from reconciler.planning.guard import Limits
from reconciler.planning.render import place
from reconciler.planning.scope import Scope
from tests.support.specs import World, a_site, backend, charger, document, without
from tests.unit.app.test_secret_check import Known


async def test_a_plan_merges_the_given_specs_over_the_applied_ones() -> None:
    world = World()
    await world.apply(a_site(2))
    plan = await world.plan([charger("cp002"), backend("grid", "ws://127.0.0.1:1/new")])
    assert [(change.address, change.action, change.seen_version) for change in plan.resource_changes] == [
        ("backend.grid", Action.UPDATE, 1),
        ("charger.cp002", Action.CREATE, 0),
    ]
    assert (plan.base_revision, plan.created_at) == (1, world.clock.now())


async def test_a_plan_changes_nothing() -> None:
    world = World()
    await world.plan(a_site(2))
    assert (len(world.store.revisions), world.store.events, world.relay.asked) == (0, [], [])


async def test_every_plan_has_an_id_of_its_own() -> None:
    world = World()
    assert (await world.plan(a_site(1))).plan_id != (await world.plan(a_site(1))).plan_id


async def test_documents_with_faults_are_refused_with_all_of_them() -> None:
    broken = [document("Backend", "a", url="http://x"), Document({"kind": "Nonsense"}, "b.yaml")]
    with pytest.raises(InvalidSpecs) as refused:
        await World().plan(broken)
    assert {finding.position.file for finding in refused.value.diagnostics if finding.position} == {
        "site.yaml",
        "b.yaml",
    }


async def test_an_empty_input_never_means_delete_everything() -> None:
    world = World()
    await world.apply(a_site(1))
    with pytest.raises(FwdctlError, match="no resource was given"):
        await world.plan([], prune=True)


async def test_what_is_applied_and_not_reached_is_shown_and_is_no_change() -> None:
    world = World()
    await world.apply(a_site(1, {"partner": "primary"}))
    world.relay.connect("cp000")
    world.relay.refuse("cp000", "grid rejects it")
    await world.apply(a_site(1, {"grid": "primary"}))
    plan = await world.plan(a_site(1, {"grid": "primary"}))
    assert plan.is_empty
    assert plan.pending == (Pending("cp000", "grid rejects it"),)


async def test_secrets_must_resolve_on_the_server_where_the_plan_relies_on_them() -> None:
    world = World()
    reconciler = Reconciler(
        world.store, world.relay, world.clock, lambda: "p", report=lambda what, error: None, secrets=Known()
    )
    basic = document("SecurityProfile", "basic", profile=1, password={"fromEnv": "FWDCTL_SECRET_X"})
    with pytest.raises(InvalidSpecs) as refused:
        await reconciler.plan(PlanRequest([*a_site(1), basic]))
    (finding,) = refused.value.diagnostics
    assert (finding.address, finding.summary) == ("security-profile.basic", "env:FWDCTL_SECRET_X is not there")
    assert finding.position is not None
    assert (await reconciler.plan(PlanRequest(a_site(1)))).summary.add == 5


async def test_the_way_back_is_a_plan_and_applying_it_leaves_what_was() -> None:
    world = World()
    await world.apply(a_site(2, {"partner": "primary", "grid": "passive"}))
    first = await world.reconciler.dump()
    await world.apply(a_site(2, {"partner": "passive", "grid": "primary"}))
    plan = await world.reconciler.plan_back_to(1, Scope(), Limits())
    assert [(change.address, change.action) for change in plan.resource_changes] == [
        ("backend-binding.a", Action.UPDATE)
    ]
    assert [(place(change), str(change.position)) for change in plan.resource_changes] == [("revision 1", "revision 1")]
    await world.reconciler.apply(ApplyRequest(plan, "ann"))
    assert await world.reconciler.dump() == first
    assert (await world.reconciler.plan_back_to(1, Scope(), Limits())).is_empty


async def test_the_way_back_deletes_what_came_since_only_with_prune_and_names_what_stays() -> None:
    world = World()
    await world.apply(a_site(1))
    await world.apply([charger("cp777")])
    kept = await world.reconciler.plan_back_to(1, Scope(), Limits())
    pruned = await world.reconciler.plan_back_to(1, Scope(prune=True), Limits())
    assert kept.is_empty
    assert [warning.summary for warning in kept.warnings] == [
        "applied after revision 1, and not deleted: charger.cp777"
    ]
    assert [(change.address, change.action) for change in pruned.resource_changes] == [("charger.cp777", Action.DELETE)]


async def test_what_was_deleted_since_comes_back() -> None:
    world = World()
    await world.apply(a_site(2))
    await world.apply(without(a_site(2), "cp001"), prune=True)
    plan = await world.reconciler.plan_back_to(1, Scope(), Limits())
    assert [(change.address, change.action) for change in plan.resource_changes] == [("charger.cp001", Action.CREATE)]


async def test_there_is_no_way_back_to_nothing_or_to_what_never_was() -> None:
    world = World()
    await world.apply(a_site(1))
    with pytest.raises(FwdctlError, match="nothing to go back to"):
        await world.reconciler.plan_back_to(0, Scope(prune=True), Limits(allow_empty=True, allow_delete_all=True))
    with pytest.raises(FwdctlError, match="no revision 2"):
        await world.reconciler.plan_back_to(2, Scope(), Limits())
