"""The rows between controller and relay nodes, on both engines: who may write, what is read, in which order."""

import asyncio
from datetime import timedelta

from reconciler.adapters.store import SqlStore
from reconciler.app.ports import ChargerMemory, KeptCall
from reconciler.app.relay_rows import ACTING, Ask, NodeStart, Report
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg, Refusal, Stranger
from tests.support.clock import EPOCH
from tests.support.specs import a_site, resolved

CHARGERS = resolved(a_site(3)).chargers
CP0 = CHARGERS["cp000"]
LEG = LiveLeg("partner", "primary", LegPhase.REGISTERED, 1.5, "is\0well", 7)
LIVE = LiveCharger("cp000", True, 2.5, "ocpp1.6", 3, CP0.owners, (LEG,), refused=Refusal(4, "no"), because="x")


def report(start: NodeStart, epoch: int, seq: int, live: LiveCharger = LIVE) -> Report:
    return Report(live.name, start, epoch, live, seq, {"↑": 7, "partner": 3})


async def test_starts_of_a_node_are_counted_and_an_older_one_has_no_say(store: SqlStore) -> None:
    first = await store.join("a", EPOCH, 10)
    await store.lead(ACTING, str(first), EPOCH, 10)
    second = await store.join("a", EPOCH, 10)
    assert (first.incarnation, second.incarnation) == (1, 2)
    assert not await store.renew(first, EPOCH, 10)
    assert await store.renew(second, EPOCH, 20)
    (lease,) = await store.nodes()
    assert (lease.start, lease.until) == (second, EPOCH + timedelta(seconds=20))
    assert await store.take(first, ["cp000"], 1) == {}
    taken = await store.take(second, ["cp000"], 1)
    assert await store.report(first, [report(first, taken["cp000"].epoch, 2)]) == {"cp000"}
    assert await store.lead(ACTING, "b/1", EPOCH, 10) == 2  # what the first start held is free


async def test_asks_come_back_as_they_were_written_each_charger_once_in_order(store: SqlStore) -> None:
    incarnation = await store.lead(ACTING, "a/1", EPOCH, 10)
    assert incarnation == 1
    asks = [Ask(name, 1, desired) for name, desired in CHARGERS.items()]
    assert await store.ask(asks, "a/1", 1, EPOCH)
    read = await store.asks(0)
    assert [(ask.charger, ask.generation, ask.desired) for ask in read] == [(a.charger, 1, a.desired) for a in asks]
    assert read[0].desired is not None
    assert read[1].desired is not None
    assert read[0].desired.legs is read[1].desired.legs  # what many have in common is kept once
    assert await store.ask([Ask("cp000", 2, None)], "a/1", 1, EPOCH)
    (newest,) = await store.asks(read[-1].seq)
    assert (newest.charger, newest.generation, newest.desired) == ("cp000", 2, None)
    assert await store.ask([Ask("cp000", 1, CP0)], "a/1", 1, EPOCH)  # an older generation changes nothing
    assert [ask.generation for ask in await store.asks(0) if ask.charger == "cp000"] == [2]


async def test_only_the_newest_holder_of_the_duty_may_ask(store: SqlStore) -> None:
    await store.lead(ACTING, "a/1", EPOCH, 10)
    later = EPOCH + timedelta(seconds=11)
    assert not await store.ask([Ask("cp000", 1, CP0)], "a/1", 1, later)  # its lease has run out
    assert await store.lead(ACTING, "b/1", later, 10) == 2
    assert not await store.ask([Ask("cp000", 1, CP0)], "a/1", 1, later)
    assert not await store.ask([Ask("cp000", 1, CP0)], "b/1", 1, later)
    assert await store.asks(0) == ()
    assert await store.ask([Ask("cp000", 1, CP0)], "b/1", 2, later)


async def test_each_connection_is_a_new_epoch_and_the_older_one_can_write_nothing(store: SqlStore) -> None:
    here, there = await store.join("a", EPOCH, 10), await store.join("b", EPOCH, 10)
    assert (await store.take(here, ["cp000"], 1))["cp000"].epoch == 1
    assert await store.report(here, [report(here, 1, 2)]) == frozenset()
    taken = (await store.take(there, ["cp000"], 1))["cp000"]
    assert (taken.epoch, taken.elsewhere) == (2, True)
    assert await store.report(here, [report(here, 1, 3)]) == {"cp000"}
    assert await store.report(there, [report(there, 2, 2)]) == frozenset()
    again = (await store.take(there, ["cp000"], 3))["cp000"]
    assert (again.epoch, again.elsewhere) == (3, False)


async def test_of_many_nodes_that_take_a_charger_at_once_one_has_it(store: SqlStore) -> None:
    starts = [await store.join(f"n{number}", EPOCH, 10) for number in range(5)]
    taken = await asyncio.gather(*(store.take(start, ["cp000", "cp001"], 1) for start in starts))
    epochs = [one["cp000"].epoch for one in taken]
    lost = [await store.report(start, [report(start, epoch, 2)]) for start, epoch in zip(starts, epochs, strict=True)]
    assert sum(not one for one in lost) == 1


async def test_reports_come_back_whole_and_only_what_is_new(store: SqlStore) -> None:
    here, there = await store.join("a", EPOCH, 10), await store.join("b", EPOCH, 10)
    await store.take(here, ["cp000"], 1)
    await store.report(here, [report(here, 1, 2)])
    (read,) = await store.reports({})
    assert read == report(here, 1, 2)
    seen = {"a": (1, 2), "b": (0, 0)}
    assert await store.reports(seen) == ()
    await store.take(there, ["cp001"], 1)
    assert [one.charger for one in await store.reports(seen)] == ["cp001"]
    await store.report(here, [report(here, 1, 3)])
    assert {one.charger for one in await store.reports(seen)} == {"cp000", "cp001"}
    again = await store.join("a", EPOCH, 10)
    await store.take(again, ["cp002"], 1)
    assert {one.charger for one in await store.reports({"a": (1, 3), "b": (1, 1)})} == {"cp002"}


async def test_who_takes_a_charger_gets_what_another_node_left_and_only_then(store: SqlStore) -> None:
    here, there = await store.join("a", EPOCH, 10), await store.join("b", EPOCH, 10)
    await store.take(here, ["cp000"], 1)
    memory, kept = ChargerMemory("cp000", "ocpp1.6", b"{}", epoch=1), KeptCall("cp000", 1, b"[]", EPOCH)
    await store.remember([memory])
    await store.keep_calls([kept])
    taken = (await store.take(there, ["cp000"], 1))["cp000"]
    assert (taken.memory, taken.kept) == (memory, (kept,))
    assert (await store.take(there, ["cp000"], 2))["cp000"].memory is None


async def test_a_memory_of_an_older_epoch_is_dropped(store: SqlStore) -> None:
    await store.remember([ChargerMemory("cp000", "ocpp1.6", b"new", epoch=2)])
    await store.remember([ChargerMemory("cp000", "ocpp1.6", b"old", epoch=1), ChargerMemory("cp001", epoch=1)])
    assert [(memory.charger, memory.boot) for memory in await store.memories()] == [("cp000", b"new"), ("cp001", None)]
    await store.remember([ChargerMemory("cp000", "ocpp1.6", b"newer", epoch=2)])
    assert (await store.memories())[0].boot == b"newer"


async def test_strangers_are_counted_bounded_and_still_there_after_a_restart(store: SqlStore) -> None:
    first = Stranger("CP-9", ("ocpp1.6",), 1, EPOCH, 2)
    await store.note_strangers([first, Stranger("CP-8", (), 0, EPOCH + timedelta(seconds=1))])
    await store.note_strangers([Stranger("cp-9", ("ocpp2.0.1",), 2, EPOCH + timedelta(seconds=2))])
    assert await store.strangers() == (
        Stranger("CP-8", (), 0, EPOCH + timedelta(seconds=1), 1),
        Stranger("cp-9", ("ocpp2.0.1",), 2, EPOCH + timedelta(seconds=2), 3),
    )
    await store.note_strangers(
        [Stranger(f"N{number}", (), 0, EPOCH + timedelta(seconds=10 + number)) for number in range(1000)]
    )
    assert len(await store.strangers()) == 1000
    assert "CP-8" not in {one.identity for one in await store.strangers()}
