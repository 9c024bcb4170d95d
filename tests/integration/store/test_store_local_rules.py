"""Load limits and notifications, on both engines."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from reconciler.adapters.store.sql_store import SqlStore
from reconciler.local.notifications import Moment
from reconciler.model.desired import SecretRef
from reconciler.model.notices import Delivery, Recipient
from reconciler.model.notifications import Edge, Notification, Suppressed
from tests.support.store_process import EPOCH

HOUR = timedelta(hours=1)
HOOK = Recipient("faults", "webhook", "https://depot.example/hook", SecretRef("env", "FWDCTL_SECRET_HOOK"))
TOLD = Notification(
    "faults",
    "connector-faulted/cp1/1/20261201T020000Z",
    Edge.BEGUN,
    HOOK,
    "connector-faulted",
    "cp1",
    "connector 1: perché",
    EPOCH,
    EPOCH,
    EPOCH,
)


async def test_moments_come_back_in_order_until_they_are_decided_with_what_is_counted(store: SqlStore) -> None:
    flips = [Moment("flip", f"cp1/{n}", "cp1", EPOCH, ("local", "perché"), "cp1", "a\0b") for n in range(3)]
    await store.put_moments(flips[:2])
    await store.put_moments(flips[2:])
    rows = await store.moments(2)
    assert [moment for _, moment in rows] == [replace(flip, detail="a\ufffdb") for flip in flips[:2]]
    await store.count_suppressed([Suppressed("faults", "flip", "partner", 1, EPOCH)], [number for number, _ in rows])
    assert [moment.key for _, moment in await store.moments(9)] == ["cp1/2"]
    assert [one.count for one in await store.suppressed()] == [1]
    await store.count_suppressed([], [number for number, _ in await store.moments(9)])
    assert await store.moments(9) == ()


async def test_limits_are_replaced_and_taken_away(store: SqlStore) -> None:
    await store.put_load_limits({"cp1": 7_400.0, "cp2": 22_000.0})
    await store.put_load_limits({"cp1": 11_000.5, "cp2": None, "cp3": None})
    assert await store.load_limits() == {"cp1": 11_000.5}
    await store.put_load_limits({})


async def test_a_trouble_is_claimed_once_and_comes_back_until_it_is_over(store: SqlStore) -> None:
    won = await asyncio.gather(*(store.claim_notifications([replace(TOLD, summary=str(n))]) for n in range(6)))
    assert sum(map(len, won)) == 1
    (claimed,) = await store.notifications(EPOCH + HOUR)
    sent = replace(claimed, status=Delivery.SENT, attempts=1, next_at=EPOCH + HOUR)
    assert await store.update_notification(sent, seen=claimed)
    assert not await store.update_notification(sent, seen=claimed)
    assert await store.notifications(EPOCH + HOUR) == (sent,)  # it stands still
    over = replace(TOLD, edge=Edge.OVER, status=Delivery.SENT, claimed_at=EPOCH + HOUR)
    other = replace(over, rule="others")
    await store.claim_notifications([other])
    assert sent in await store.notifications(EPOCH + HOUR)  # what is over for another rule is not for this one
    await store.claim_notifications([over])
    assert await store.notifications(EPOCH + HOUR) == ()
    assert len(await store.notifications(EPOCH - HOUR)) == 3


async def test_what_only_happened_does_not_stand(store: SqlStore) -> None:
    flip = replace(TOLD, event="flip", trouble="flip/cp1/7", status=Delivery.SENT)
    held = replace(flip, trouble="flip/cp1/8", status=Delivery.HELD)
    await store.claim_notifications([flip, held])
    assert await store.notifications(EPOCH + HOUR) == (held,)


async def test_what_was_not_sent_adds_up(store: SqlStore) -> None:
    once = Suppressed("faults", "connector-faulted", "partner", 2, EPOCH)
    await store.count_suppressed([once, replace(once, owner="grid")])
    await asyncio.gather(*(store.count_suppressed([replace(once, count=1, last_at=EPOCH + HOUR)]) for _ in range(4)))
    assert await store.suppressed() == (
        Suppressed("faults", "connector-faulted", "grid", 2, EPOCH),
        Suppressed("faults", "connector-faulted", "partner", 6, EPOCH + HOUR),
    )
