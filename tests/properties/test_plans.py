"""What holds for every plan: it reaches what was wanted, in an order that never dangles, and once."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.addresses import Address
from reconciler.model.documents import Document
from reconciler.model.features import FEATURES
from reconciler.model.live import LiveCharger
from reconciler.model.plan import Action, Plan, ResourceChange
from reconciler.model.plan_json import from_json, to_json
from reconciler.model.site import Resource
from reconciler.planning.declared import Declared, dangling_references
from reconciler.planning.planner import Moment, carry_out, make_plan, staleness
from tests.support.clock import EPOCH
from tests.support.specs import (
    World,
    applied,
    backend,
    binding,
    charger,
    document,
    profile,
    resources,
    role,
)

BACKENDS = ("partner", "grid", "acme")
LIVE = {f"cp{number}": LiveCharger(f"cp{number}", number % 2 == 0, 0, "ocpp1.6") for number in range(6)}
MOMENT = Moment(EPOCH, LIVE)

pytestmark = pytest.mark.slow
many = settings(max_examples=60, deadline=None)  # how fast a shared machine is says nothing about a plan


@st.composite
def sites(draw: st.DrawFn) -> list[Document]:
    """A valid depot: profiles, back-ends, a role of its own, chargers, a binding over them, perhaps an outage."""
    profiles = draw(st.sampled_from([("open",), ("open", "spare"), ("spare", "open")]))
    bound = draw(st.lists(st.sampled_from(BACKENDS), min_size=1, unique=True))
    owned = draw(st.lists(st.sampled_from(FEATURES), max_size=3, unique=True))
    roles = dict.fromkeys(bound, "passive") | {bound[0]: "primary"}
    depot = [profile(name) for name in profiles]
    for name in bound:
        path = draw(st.sampled_from(["a", "b"]))
        depot.append(backend(name, f"ws://127.0.0.1:1/{path}", securityProfile=draw(st.sampled_from(profiles))))
    if len(bound) > 1 and owned:
        roles[bound[1]] = "special"
        depot.append(role("special", *owned))
    for number in draw(st.sets(st.integers(0, 5), min_size=1)):
        depot.append(charger(f"cp{number}", securityProfile=draw(st.sampled_from(profiles))))
    depot.append(binding(roles=roles))
    if draw(st.booleans()):
        window = {"start": "2027-01-01T02:00", "duration": "1h", "timeZone": "UTC"}
        outage = {bound[0]: "passive", "local": "primary"}
        depot.append(
            document("ScheduledOutage", "visit", chargers={"labels": {"site": "a"}}, window=window, roles=outage)
        )
    return depot


def plan(before: Sequence[Document], after: Sequence[Document]) -> Plan:
    return make_plan(applied(before), resources(after), MOMENT, plan_id="p")


def carried_out(
    before: Sequence[Document], after: Sequence[Document], changes: Sequence[ResourceChange]
) -> dict[str, Resource]:
    wanted = resources(after)
    written = [wanted[change.address] for change in changes if change.action is not Action.DELETE]
    return carry_out(changes, resources(before), written)


@many
@given(sites(), sites())
def test_applying_reaches_what_was_wanted(before: list[Document], after: list[Document]) -> None:
    assert carried_out(before, after, plan(before, after).resource_changes) == resources(after)


@many
@given(sites())
def test_a_plan_of_what_is_applied_is_empty(site: list[Document]) -> None:
    found = plan(site, site)
    assert found.is_empty
    assert found.effects == ()


@many
@given(sites(), sites())
def test_the_same_inputs_give_the_same_plan(before: list[Document], after: list[Document]) -> None:
    assert plan(before, after) == plan(list(reversed(before)), list(reversed(after)))


@many
@given(sites(), sites())
def test_no_prefix_of_a_plan_leaves_a_dangling_reference(before: list[Document], after: list[Document]) -> None:
    changes = plan(before, after).resource_changes
    for steps in range(len(changes) + 1):
        halfway = carried_out(before, after, changes[:steps])
        assert [*dangling_references(Declared(halfway.values()))] == []


@many
@given(sites(), sites())
def test_a_plan_survives_being_a_file(before: list[Document], after: list[Document]) -> None:
    made = plan(before, after)
    assert from_json(to_json(made)) == made


@many
@given(sites(), sites())
def test_every_charger_whose_desired_state_changes_is_in_exactly_one_effect(
    before: list[Document], after: list[Document]
) -> None:
    old, new = applied(before).site.chargers, applied(after).site.chargers
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    assert sorted(changed) == list(plan(before, after).chargers)


@many
@given(sites(), sites(), st.data())
def test_a_plan_is_stale_exactly_where_something_that_it_touches_changed(
    before: list[Document], after: list[Document], data: st.DataObject
) -> None:
    made, base = plan(before, after), applied(before)
    address = data.draw(st.sampled_from(sorted(base.versions)))
    moved = type(base)(base.revision, base.site, {**base.versions, address: 2})
    fresh = make_plan(moved, resources(after), MOMENT, plan_id="p")
    assert bool(staleness(made, fresh)) == (address in made.basis)
    assert all(Address.parse(found) for found in made.basis)


@settings(max_examples=20, deadline=None)
@given(st.lists(sites(), min_size=1, max_size=3))
def test_whatever_was_applied_before_apply_reaches_the_chargers_and_the_next_plan_is_empty(
    history: list[list[Document]],
) -> None:
    async def scenario() -> None:
        world = World()
        world.relay.connect("cp0", "cp2", "cp4")
        for site in history:
            result = await world.apply(site, prune=True)
            assert result.exit_code == 0
            assert (await world.plan(site, prune=True)).is_empty
            again = await world.apply(site, prune=True)
            assert (again.revision, again.results) == (result.revision, ())
            for name, wanted in applied(site).site.chargers.items():
                session = world.relay.live()[name]
                assert not session.connected or session.owners == wanted.owners
        assert world.trouble == []

    asyncio.run(scenario())
