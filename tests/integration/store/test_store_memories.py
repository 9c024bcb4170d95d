"""Memories of chargers, on both engines."""

import asyncio

from reconciler.app.ports import ChargerMemory, Store

FULL = ChargerMemory(
    charger="cp001",
    version="ocpp1.6",
    boot=b'{"chargePointVendor":"acme"}\xff\x00',
    statuses={"0": b"{}", "1": b'{"status":"Charging"}', "2/1": b"\x00\xff"},
    ids={"transactions": {"7": ["partner-pay", 12345678901234567890, None]}, "odd": "\0\ud800", "rate": 1.0},
)


async def test_a_new_store_remembers_nothing(store: Store) -> None:
    assert await store.memories() == ()


async def test_a_memory_comes_back_byte_for_byte(store: Store) -> None:
    await store.remember([FULL, ChargerMemory("cp000")])
    assert await store.memories() == (ChargerMemory("cp000"), FULL)


async def test_a_newer_memory_replaces_the_older_one_whole(store: Store) -> None:
    await store.remember([FULL, ChargerMemory("cp002", version="ocpp2.0.1")])
    await store.remember([ChargerMemory("cp001", version="ocpp2.1")])
    assert await store.memories() == (
        ChargerMemory("cp001", version="ocpp2.1"),
        ChargerMemory("cp002", version="ocpp2.0.1"),
    )


async def test_of_two_memories_of_one_charger_the_last_counts(store: Store) -> None:
    await store.remember([FULL, ChargerMemory("cp001", version="ocpp2.1")])
    assert await store.memories() == (ChargerMemory("cp001", version="ocpp2.1"),)


async def test_remembering_nothing_is_harmless(store: Store) -> None:
    await store.remember([])
    assert await store.memories() == ()


async def test_batches_that_share_chargers_do_not_lock_each_other_out(store: Store) -> None:
    batch = [ChargerMemory(f"c{number:03}", ids={"n": number}) for number in range(300)]
    await asyncio.gather(*(store.remember(batch if turn % 2 else batch[::-1]) for turn in range(8)))
    assert await store.memories() == tuple(batch)
