"""Kept calls, on both engines."""

from datetime import UTC, datetime

from reconciler.app.ports import KeptCall, Store

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def kept(charger: str, seq: int, raw: bytes = b'[2,"1","MeterValues",{}]') -> KeptCall:
    return KeptCall(charger, seq, raw, AT)


async def test_kept_calls_come_back_in_order_and_byte_for_byte(store: Store) -> None:
    odd = kept("cp001", 2, b'[2,"\xc3\xa9","X",{"v": 1.10}]\x00')
    await store.keep_calls([kept("cp002", 1), odd])
    await store.keep_calls([kept("cp001", 1)])
    assert await store.kept_calls() == (kept("cp001", 1), odd, kept("cp002", 1))


async def test_keeping_the_same_call_twice_keeps_it_once(store: Store) -> None:
    await store.keep_calls([kept("cp001", 1)])
    await store.keep_calls([kept("cp001", 1)])
    assert await store.kept_calls() == (kept("cp001", 1),)


async def test_forgotten_calls_are_gone_and_forgetting_is_harmless(store: Store) -> None:
    await store.keep_calls([kept("cp001", 1), kept("cp001", 2), kept("cp002", 1)])
    await store.forget_calls([("cp001", 1), ("cp002", 1), ("cp003", 9)])
    await store.forget_calls([])
    assert await store.kept_calls() == (kept("cp001", 2),)
