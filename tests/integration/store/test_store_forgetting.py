"""What is over for longer than it is kept goes, on both engines; what is not, or may still count, stays."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.adapters.store import SqlStore
from reconciler.app.ports import ChargerMemory, KeptCall, ResourceWrite
from reconciler.errors import NotKept
from reconciler.model.history import HistoryEvent
from reconciler.model.notices import Delivery
from reconciler.model.notifications import Suppressed
from reconciler.model.operations import State
from reconciler.model.outages import Adjustment
from reconciler.model.overrides import Override
from reconciler.model.rollouts import Pause
from tests.integration.store.test_store_access_tokens import TOKEN
from tests.integration.store.test_store_local_rules import TOLD
from tests.integration.store.test_store_notices import NOTICE
from tests.integration.store.test_store_operations import BEGUN
from tests.integration.store.test_store_outages import OUTAGE
from tests.integration.store.test_store_sealed_legs import LEG
from tests.support.store_process import EPOCH, META

HOUR = timedelta(hours=1)
LONG = timedelta(days=400)


async def everything(store: SqlStore, before: datetime, batch: int = 1) -> int:
    """Forget all interventions and all that ended before then, in batches; return how many."""
    total = 0
    while forgotten := await store.forget_interventions(before, batch):
        total += forgotten
    while forgotten := await store.forget_ended(before, before, batch):
        total += forgotten
    return total


async def test_toggles_that_were_over_go_and_asking_about_their_time_is_refused(store: SqlStore) -> None:
    over = Override("a", "cp001", {"local": "primary"}, EPOCH, EPOCH + HOUR, "visit", "bob")
    for override in (over, replace(over, id="b", charger="cp002"), replace(over, id="c", charger="cp003", until=None)):
        await store.put_override(override)
    later = EPOCH + 2 * HOUR
    assert await everything(store, later) == 0  # nobody has closed them: their end was not told yet
    await store.close_overrides(later)
    assert await everything(store, EPOCH + HOUR) == 0
    assert (await store.retained()).interventions_since is None
    assert await everything(store, later) == 2
    assert [held.id for held in (await store.interventions(later)).overrides] == ["c"]
    assert (await store.retained()).interventions_since == later
    with pytest.raises(
        NotKept, match=r"in force at 2026-12-01T02:30:00Z is not kept.* over before 2026-12-01T04:00:00Z"
    ):
        await store.interventions(EPOCH + HOUR / 2)


async def test_an_outage_begun_by_hand_goes_once_it_is_over_as_it_was_extended(store: SqlStore) -> None:
    extended = Adjustment(OUTAGE.name, EPOCH, EPOCH + 5 * HOUR, "slow", "ann", EPOCH)
    await store.begin_outage(OUTAGE)
    await store.begin_outage(replace(OUTAGE, name="by-hand-2"))
    await store.adjust_outage(extended)
    assert await everything(store, EPOCH + 2 * HOUR) == 1
    found = await store.interventions(EPOCH + 4 * HOUR)
    assert ([one.name for one in found.begun], found.adjustments) == ([OUTAGE.name], (extended,))
    assert await everything(store, EPOCH + 6 * HOUR) == 1
    assert (await store.interventions(EPOCH + 6 * HOUR)).begun == ()


async def test_an_opening_that_was_cut_short_stays_so_for_as_long_as_it_may_have_lasted(store: SqlStore) -> None:
    await store.adjust_outage(Adjustment("yearly", EPOCH, EPOCH, "not now", "ann", EPOCH))
    assert await everything(store, EPOCH + timedelta(days=366)) == 0
    assert await everything(store, EPOCH + LONG) == 1


async def test_what_went_out_or_ran_out_goes_and_what_waits_stays(store: SqlStore) -> None:
    sent, waits = replace(NOTICE, status=Delivery.SENT), replace(NOTICE, edge="end")
    await store.claim_notices([sent, waits])
    told, held = replace(TOLD, status=Delivery.FAILED), replace(TOLD, trouble="other", status=Delivery.HELD)
    await store.claim_notifications([told, held, replace(told, trouble="newer", claimed_at=EPOCH + LONG)])
    await store.count_suppressed([Suppressed("faults", "flip", "partner", 3, EPOCH)])
    for token in (TOKEN, replace(TOKEN, id="n", digest="d2", expires_at=None)):
        await store.put_token(token)
    await store.put_token(replace(TOKEN, id="r", digest="d3", expires_at=None, revoked_at=EPOCH))
    await store.put_pauses([Pause("cp001", EPOCH, EPOCH + HOUR, "", "ann"), Pause("cp002", EPOCH, None, "", "ann")])
    event = HistoryEvent(EPOCH, "operation", "")
    await store.put_operation(replace(BEGUN, id="done", state=State.SUCCEEDED), event)
    await store.put_operation(BEGUN, event)
    await store.join("gone", EPOCH, 10)
    await store.join("there", EPOCH + LONG, 10)
    await store.take(await store.join("had", EPOCH, 10), ["cp001"], 1)
    assert await everything(store, EPOCH - LONG) == 0
    assert await everything(store, EPOCH + LONG) == 8
    assert [one.edge for one in await store.notices(EPOCH - HOUR)] == ["end"]
    assert [one.trouble for one in await store.notifications(EPOCH - HOUR)] == ["other", "newer"]
    assert await store.suppressed() == ()
    assert [token.id for token in await store.tokens()] == ["n"]
    assert [pause.charger for pause in (await store.interventions(EPOCH + LONG)).pauses] == ["cp002"]
    assert [record.id for record in await store.operations(None, 9)] == [BEGUN.id]
    assert [lease.start.node for lease in await store.nodes()] == ["had", "there"]


async def test_a_charger_is_remembered_for_as_long_as_a_kept_revision_declares_it(store: SqlStore) -> None:
    names = ("alone", "cabinet-d2", "gone", "gone-d1", "in-debt")
    await store.remember([ChargerMemory(name) for name in names])
    await store.put_sealed_legs([replace(LEG, charger=name) for name in names])
    await store.put_pauses([Pause("gone", EPOCH, None, "", "ann")])
    await store.keep_calls([KeptCall("in-debt", 1, b"[2]", EPOCH)])
    declared = [ResourceWrite(address, {}, 0) for address in ("charger.alone", "split-system.cabinet")]
    await store.commit_revision(declared, META, "p1")
    await store.commit_revision([ResourceWrite("charger.alone", None, 1)], META, "p2")
    assert [await store.forget_chargers(1) for _ in range(3)] == [1, 1, 0]
    left = ["alone", "cabinet-d2", "in-debt"]
    assert [memory.charger for memory in await store.memories()] == left
    assert [leg.charger for leg in await store.sealed_legs()] == left
    assert (await store.interventions(EPOCH)).pauses == ()
    for number in (3, 4):
        await store.commit_revision([], META, f"p{number}")
    await store.retain_revisions(EPOCH, 2)
    assert (await store.forget_versions(9), await store.forget_chargers(9)) == (1, 1)
    assert [memory.charger for memory in await store.memories()] == left[1:]
