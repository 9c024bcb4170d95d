"""Outages begun by hand and adjustments, on both engines."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.app.ports import ResourceWrite, Store
from reconciler.model.desired import FlipPolicy
from reconciler.model.failovers import Failover
from reconciler.model.interventions import Interventions
from reconciler.model.outages import Adjustment, Notice, Outage
from reconciler.model.overrides import Override
from reconciler.model.windows import Window
from tests.support.store_process import EPOCH, META

OUTAGE = Outage(
    name="by-hand-1",
    chargers=("cp001", "cp002"),
    window=Window(3600, start=EPOCH),
    roles={"partner": "passive", "local": "primary"},
    flip=FlipPolicy("wait"),
    notice=Notice((), ("partner",)),
    reason="feu à l'étage",
    actor="ann",
)
ADJUSTMENT = Adjustment("firmware", EPOCH, EPOCH + timedelta(hours=5), "slow", "ann", EPOCH + timedelta(hours=1))


async def test_everything_that_intervenes_comes_back_as_it_was_stored(store: Store) -> None:
    override = Override("o", "cp001", {"local": "primary"}, EPOCH, None, "visit", "bob")
    plain = replace(OUTAGE, name="by-hand-2", flip=None, notice=None)
    await store.put_override(override)
    await store.begin_outage(plain)
    await store.begin_outage(OUTAGE)
    await store.adjust_outage(ADJUSTMENT)
    assert await store.interventions(EPOCH) == Interventions((override,), (OUTAGE, plain), (ADJUSTMENT,))
    assert (await store.interventions(EPOCH - timedelta(seconds=1))).overrides == ()


async def test_the_newest_adjustment_of_an_opening_counts(store: Store) -> None:
    await store.adjust_outage(ADJUSTMENT)
    cancelled = replace(ADJUSTMENT, until=EPOCH, actor="bob")
    other = replace(ADJUSTMENT, opening=EPOCH + timedelta(days=7))
    await store.adjust_outage(other)
    await store.adjust_outage(cancelled)
    assert (await store.interventions(EPOCH)).adjustments == (cancelled, other)


async def test_the_revision_is_read_alone(store: Store) -> None:
    assert await store.revision() == 0
    await store.commit_revision([ResourceWrite("role.x", {}, 0)], META, "p1")
    assert await store.revision() == 1


async def test_failovers_are_in_force_until_they_are_ended_once(store: Store) -> None:
    failover = Failover("cp001", "partner", "local", EPOCH, "manual")
    await store.put_failover(replace(failover, to="grid"))
    await store.put_failover(failover)
    assert (await store.interventions(EPOCH)).failovers == (failover,)
    assert [await store.end_failover("cp001", "partner") for _ in range(2)] == [True, False]
    assert (await store.interventions(EPOCH)).failovers == ()
