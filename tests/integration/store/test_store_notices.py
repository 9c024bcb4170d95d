"""Claims of notices and duties, on both engines."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from reconciler.app.ports import Store
from reconciler.model.desired import SecretRef
from reconciler.model.notices import Announcement, Delivery, NoticeKind, OutageNotice, Recipient
from tests.support.store_process import EPOCH

HOUR = timedelta(hours=1)
TOLD = Announcement("scheduled-outage.x", EPOCH, EPOCH + HOUR, "Europe/Rome", ("cp1", "cp2"), "perché")
HOOK = Recipient("partner", "webhook", "https://partner.example:8443/hook", SecretRef("file", "hooks/a:b"))
NOTICE = OutageNotice("x/1", "changed-2", HOOK, NoticeKind.CHANGED, TOLD, EPOCH, EPOCH, 2, late=True)
MAIL = replace(NOTICE, recipient=Recipient("partner", "email", "noc@partner.example"))


async def test_a_claim_comes_back_as_it_was_made_until_its_opening_is_long_over(store: Store) -> None:
    assert await store.claim_notices([NOTICE, MAIL]) == (NOTICE, MAIL)
    assert await store.notices(EPOCH) == (NOTICE, MAIL)
    assert await store.notices(EPOCH + HOUR) == ()


async def test_of_claims_made_at_the_same_time_one_wins(store: Store) -> None:
    claims = [replace(NOTICE, claimed_at=EPOCH + timedelta(seconds=number)) for number in range(8)]
    won = await asyncio.gather(*(store.claim_notices([claim]) for claim in claims))
    assert sum(map(len, won)) == 1
    assert len(await store.notices(EPOCH)) == 1


async def test_of_two_that_take_a_notice_one_gets_it(store: Store) -> None:
    await store.claim_notices([NOTICE])
    taken = replace(NOTICE, attempts=1, next_at=EPOCH + HOUR)
    assert sorted(await asyncio.gather(*(store.update_notice(taken, seen=NOTICE) for _ in range(4)))) == [0, 0, 0, 1]
    sent = replace(taken, status=Delivery.SENT, error="")
    assert await store.update_notice(sent, seen=taken)
    assert await store.notices(EPOCH) == (sent,)


async def test_a_duty_has_one_holder_whose_incarnation_tells_it_from_earlier_ones(store: Store) -> None:
    first = await asyncio.gather(*(store.lead("notices", f"n{number}", EPOCH, 10) for number in range(4)))
    assert sorted(map(str, first)) == ["1", "None", "None", "None"]
    holder = f"n{first.index(1)}"
    assert await store.lead("notices", holder, EPOCH + timedelta(seconds=9), 10) == 1
    assert await store.lead("notices", "other", EPOCH + timedelta(seconds=18), 10) is None
    assert await store.lead("notices", "other", EPOCH + timedelta(seconds=19), 10) == 2
    assert await store.lead("other duty", holder, EPOCH + timedelta(seconds=19), 10) == 1
