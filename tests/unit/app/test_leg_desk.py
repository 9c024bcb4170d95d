"""The leg desk: stored, answered, dialled anew, and what became of it."""

import asyncio
import json

import pytest

from reconciler.app.leg_desk import LegOrder
from reconciler.app.legs import DialFailed
from tests.unit.app.legs_kept import Kept

SET = '{"key":"AuthorizationKey","value":"sixteen letters!"}'


async def test_an_order_is_stored_then_answered_then_dialled() -> None:
    kept = Kept()
    assert await kept.order(SET) == b'{"status":"Accepted"}'
    assert list(kept.rows.rows) == [("cp1", "partner")]
    assert kept.redials == 1
    assert kept.desk.credential("cp1", "partner").startswith(
        "password changed by partner on 2026-12-01 02:00Z (rotation 1, not confirmed yet): "
    )


async def test_each_part_says_when_and_how_often_it_was_changed() -> None:
    kept = Kept()
    for password in ("sixteen letters!", "other 16 letters", "sixteen letters!"):
        await kept.order(SET.replace("sixteen letters!", password))
        await kept.dial()
        kept.desk.registered("cp1", "partner")
    await kept.order('{"key":"CpoName","value":"My CPO"}')  # no credential
    await kept.done()
    told = kept.desk.credential("cp1", "partner")
    assert told.startswith("password changed by partner on 2026-12-01 02:00Z (rotation 3): ")
    assert "letters" not in told


async def test_what_can_not_be_stored_is_refused_and_says_why() -> None:
    kept = Kept()
    kept.rows.away = True
    assert await kept.order(SET) is None
    assert (kept.redials, kept.desk.credential("cp1", "partner")) == (0, "")
    assert kept.tally.lines[-1][1]["reason"] == "the store is away"


@pytest.mark.parametrize("payload", ["garbage", "[1]", '{"key":"AuthorizationKey"}'])
async def test_garbage_is_refused(payload: str) -> None:
    kept = Kept()
    answer = await kept.order(payload)
    assert answer is None or json.loads(str(answer, "utf-8")) == {"status": "Rejected"}  # type: ignore[call-overload]
    assert (kept.rows.rows, kept.redials) == ({}, 0)


async def test_it_counts_once_the_leg_has_registered() -> None:
    kept = Kept()
    await kept.order(SET)
    kept.desk.registered("cp1", "partner")  # the connection from before, still
    assert "not confirmed" in kept.desk.credential("cp1", "partner")
    await kept.dial()
    kept.desk.registered("cp1", "partner")
    kept.desk.registered("cp1", "partner")
    await kept.done()
    assert "not confirmed" not in kept.desk.credential("cp1", "partner")
    assert [event.kind for event in kept.events] == ["leg-changed", "leg-change-confirmed"]


async def test_where_only_the_former_ones_work_they_count_again() -> None:
    kept = Kept()
    await kept.order(SET)
    kept.dialer.failures.extend(DialFailed("HTTP 401", 401) for _ in range(3))
    for _ in range(3):
        with pytest.raises(DialFailed, match="with what it has set"):
            await kept.dial()
    await kept.dial()
    kept.desk.registered("cp1", "partner")
    await kept.done()
    assert kept.desk.credential("cp1", "partner") == ""
    assert kept.events[-1].kind == "leg-change-failed"


async def test_a_second_order_before_the_first_is_proven_keeps_the_way_back_to_what_worked() -> None:
    kept = Kept()
    await kept.order(SET)
    await kept.dial()
    await kept.order(SET.replace("sixteen", "another"))
    found = kept.book.get("cp1", "partner")
    assert found is not None
    assert found.trial is not None
    assert found.trial.fallback.password is None
    assert found.current.password == b"another letters!"


async def test_orders_on_one_leg_are_carried_out_in_turn() -> None:
    kept = Kept()
    await asyncio.gather(*(kept_order(kept, number) for number in range(5)))
    found = kept.book.get("cp1", "partner")
    assert found is not None
    assert found.current.password == b"password number 4"


async def test_a_certificate_is_asked_for_after_the_answer_with_a_key_that_is_kept_first() -> None:
    kept = Kept()
    answer = await kept.order('{"requestedMessage":"SignChargePointCertificate"}', "ExtendedTriggerMessage")
    assert answer == b'{"status":"Accepted"}'
    ((action, payload),) = kept.calls
    assert action == "SignCertificate"
    assert json.loads(payload)["csr"].startswith("-----BEGIN CERTIFICATE REQUEST")
    found = kept.book.get("cp1", "partner")
    assert found is not None
    assert found.settings.asked_key is not None
    assert kept.redials == 0
    assert b"PRIVATE" not in payload


async def test_a_certificate_that_nobody_could_keep_the_key_of_is_not_asked_for() -> None:
    kept = Kept()
    kept.rows.away = True
    assert await kept.order('{"requestedMessage":"SignChargePointCertificate"}', "ExtendedTriggerMessage") is None
    assert kept.calls == []


async def kept_order(kept: Kept, number: int) -> None:
    kept.desk.take(order(kept, number))
    await kept.done()


def order(kept: Kept, number: int) -> LegOrder:
    payload = json.dumps({"key": "AuthorizationKey", "value": f"password number {number}"}).encode()
    return kept.made("ChangeConfiguration", payload, "ocpp1.6")


def test_an_order_s_repr_shows_no_payload() -> None:
    assert "password number" not in repr(order(Kept(), 1))
