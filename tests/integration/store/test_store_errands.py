"""Errands, on both engines: taken once, answered once, withdrawn while nobody has begun."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.app.duty import LEASE_S
from reconciler.app.errand_rows import KEPT_FOR, Errand

AT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
FIRST = Errand("1", "b/1", "a/1", "call", b"\x00sealed\xff", AT + timedelta(seconds=10))
SECOND = replace(FIRST, id="2")


async def test_an_errand_is_taken_once_in_its_order_and_its_answer_is_fetched_once(store: Any) -> None:
    await store.put_errands([FIRST, SECOND, replace(FIRST, id="3", to_start="c/1")])
    assert await store.take_errands("b/1", AT) == (FIRST, SECOND)
    assert await store.take_errands("b/1", AT) == ()
    assert await store.fetch_answers(["1", "2"]) == {}
    await store.answer_errand("2", b"done")
    assert await store.fetch_answers(["1", "2"]) == {"2": b"done"}
    assert await store.fetch_answers(["1", "2"]) == {}


async def test_only_what_nobody_has_taken_can_be_withdrawn_and_nothing_is_taken_late(store: Any) -> None:
    await store.put_errands([FIRST, replace(SECOND, to_start="c/1")])
    assert await store.take_errands("b/1", FIRST.begin_before) == ()
    await store.take_errands("b/1", AT)
    assert not await store.withdraw_errand("1")
    assert await store.withdraw_errand("2")
    assert await store.take_errands("c/1", AT) == ()


async def test_ears_and_keys_of_starts_that_are_gone_are_forgotten_and_old_errands_too(store: Any) -> None:
    for node in ("a", "b"):
        start = str(await store.join(node, AT, LEASE_S))
        await store.put_node_key(start, start.encode())
        await store.lend_ear("cp001", start)
        await store.lend_ear("cp001", start)
    await store.put_errands([FIRST])
    assert await store.node_key("b/1") == b"b/1"
    assert set(await store.ears()) == {("cp001", "a/1"), ("cp001", "b/1")}
    await store.turn_away("cp001", "a/1")
    await store.join("b", AT, LEASE_S)
    await store.forget_errands(AT + KEPT_FOR)
    assert await store.ears() == ()
    assert await store.node_key("b/1") is None
    assert await store.take_errands("b/1", AT) == (FIRST,)
    await store.forget_errands(FIRST.begin_before + KEPT_FOR + timedelta(seconds=1))
    assert not await store.withdraw_errand("1")


async def test_whose_lease_has_run_out_keeps_its_key_and_for_a_while_its_ears(store: Any) -> None:
    """It may be back: nobody else could give it another key."""
    await store.join("a", AT, LEASE_S)
    await store.put_node_key("a/1", b"key")
    await store.lend_ear("cp001", "a/1")
    await store.forget_errands(AT + timedelta(seconds=LEASE_S + 1))
    assert await store.ears() == (("cp001", "a/1"),)
    await store.forget_errands(AT + timedelta(seconds=LEASE_S) + KEPT_FOR)
    assert await store.ears() == ()
    assert await store.node_key("a/1") == b"key"
