"""The operations use case without sockets: journal before the first word, memory, replaced connections."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app import operations
from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.operation_run import OperationRun
from reconciler.app.operations import KEPT_RUNS, Operations
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError, NotAvailable, OwnedElsewhere, UnknownAddress
from reconciler.model.desired import LOCAL, Backend
from reconciler.model.features import OCPP_VERSIONS
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg, LiveTransaction
from reconciler.model.operations import OperationOrder, OperationRecord, State
from reconciler.model.site import Site
from reconciler.testing.waiting import Bell
from tests.support.operations import MemoryOperations, QuietStations
from tests.support.relay import PASSIVE, PRIMARY, LiveClock, Tally, charger

HERE, PARTNER = Backend(LOCAL, "", OCPP_VERSIONS), Backend("partner-pay", "ws://127.0.0.1:1", OCPP_VERSIONS)
OURS = replace(charger("cp001", [(HERE, PRIMARY), (PARTNER, PASSIVE)]), labels={"site": "a"})
THEIRS = charger("cp001", [(HERE, PASSIVE), (PARTNER, PRIMARY)])


class Specs(AppliedSpecs):
    """One charger, applied."""

    def __init__(self) -> None:
        pass

    async def current(self) -> Any:
        """Return the site."""
        return type("Applied", (), {"site": Site({}, {"cp001": OURS}, {}, {}, {})})


class Desk:
    """The use case, and all that it is given."""

    def __init__(self) -> None:
        self.store, self.stations = MemoryOperations(), QuietStations()
        self.desired = {"cp001": OURS}
        self.failed: list[str] = []
        self.tally = Tally()
        ids = iter(range(100_000))
        self.background = Background(lambda what, error: self.failed.append(what))
        self.operations = Operations(
            self.store,
            self.stations,
            LiveClock(),
            Specs(),
            lambda: self.desired,
            self.background,
            lambda: str(next(ids)),
            self.tally,
            report=lambda what, error: self.failed.append(what),
            holder="node",
        )
        self.connect(1)

    def connect(self, connections: int, **more: Any) -> None:
        """Have the charger connected for the so-manieth time."""
        leg = LiveLeg(LOCAL, "primary", LegPhase.REGISTERED, 0)
        live = LiveCharger("cp001", True, 0, "ocpp1.6", owners=OURS.owners, legs=(leg,), connections=connections)
        self.stations.live["cp001"] = replace(live, **more)

    async def start(self, operation: str, **parameters: Any) -> OperationRun:
        """Start an operation."""
        return await self.operations.start(OperationOrder("charger.cp001", operation, parameters, "eva", "visit"))


@pytest.fixture
async def desk() -> Desk:
    """Return a use case with one charger."""
    return Desk()


async def test_it_is_in_the_journal_before_its_first_word_to_the_station(desk: Desk) -> None:
    class Away(MemoryOperations):
        async def put_operation(self, *_: Any) -> None:
            raise FwdctlError("the store is away")

    desk.operations._store = Away()
    with pytest.raises(FwdctlError, match="away"):
        await desk.start("unlock")
    await asyncio.sleep(0)
    assert desk.stations.local_line.asked == []
    assert (await desk.operations.offers("cp001")).running == ()


async def test_a_replaced_connection_counts_as_left_once_and_the_boot_as_back(desk: Desk) -> None:
    run = await desk.start("reset")
    await asyncio.sleep(0)
    desk.stations.local_line.answer({"status": "Accepted"})
    desk.connect(2)  # the relay never told that the first one closed
    desk.operations.charger_changed("cp001")
    desk.operations.charger_changed("cp001")
    desk.stations.local_line.says("cp001", "BootNotification", {"firmwareVersion": "2"})
    done = await run.wait_done()
    assert [line.text for line in done.progress] == [
        "accepted: it restarts",
        "the charging station left",
        "the charging station is back, firmware 2",
    ]


async def test_left_and_back_with_another_owner_is_taken_away(desk: Desk) -> None:
    run = await desk.start("reset")
    await asyncio.sleep(0)
    desk.stations.local_line.answer({"status": "Accepted"})
    desk.connect(1, connected=False)
    desk.operations.charger_changed("cp001")
    desk.desired["cp001"] = THEIRS
    desk.connect(2, owners=THEIRS.owners)
    desk.operations.charger_changed("cp001")
    assert (await run.wait_done()).state is State.TAKEN_AWAY


async def test_the_transaction_is_the_only_one_or_the_one_that_is_named(desk: Desk) -> None:
    with pytest.raises(FwdctlError, match="which transaction"):
        await desk.start("remote-stop")
    desk.connect(1, transactions=(LiveTransaction("5", "partner-pay", 0),))
    await desk.start("remote-stop")
    await asyncio.sleep(0)
    assert desk.stations.local_line.asked[0][2] == {"transactionId": 95}
    desk.stations.local_line.answer({"status": "Accepted"})


async def test_an_unexpected_failure_is_told_and_ends_it(desk: Desk) -> None:
    run = await desk.start("get-config")
    run._machine.handle = None  # type: ignore[method-assign, assignment]
    await asyncio.sleep(0)
    desk.stations.local_line.answer({})
    assert (await run.wait_done()).state is State.FAILED
    assert desk.failed == ["operation 0"]


async def test_an_end_that_the_store_does_not_take_is_told_and_written_once_it_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "JOURNAL_AGAIN_S", 0.0)

    class Leaving(MemoryOperations):
        away = False
        asked = 0
        bell = Bell()

        async def put_operation(self, record: OperationRecord, event: HistoryEvent) -> None:
            self.asked += 1
            self.bell.ring()
            if self.away:
                raise FwdctlError("the store is away")
            await super().put_operation(record, event)

    desk.operations._store = store = Leaving()
    run = await desk.start("clear-cache")
    await asyncio.sleep(0)
    store.away = True
    desk.stations.local_line.answer({"status": "Accepted"})
    assert (await run.wait_done()).state is State.SUCCEEDED  # whoever follows does not wait for the store
    await store.bell.until(lambda: store.asked >= 4, 5.0)
    assert desk.failed == ["the end of operation 0"]
    store.away = False
    asked = store.asked
    await store.bell.until(lambda: store.asked > asked, 5.0)
    assert store.records["0"].state is State.SUCCEEDED
    assert len(store.events) == 2


async def test_old_runs_are_found_in_the_journal(desk: Desk) -> None:
    for _ in range(KEPT_RUNS + 2):
        run = await desk.start("clear-cache")
        await asyncio.sleep(0)
        desk.stations.local_line.answer({"status": "Accepted"})
        await run.wait_done()
        await asyncio.sleep(0)
    first = await desk.operations.find("0")
    assert not isinstance(first, OperationRun)
    assert first.state is State.SUCCEEDED
    assert isinstance(await desk.operations.find(run.record.id), OperationRun)
    assert len(await desk.operations.recent("cp001", 5)) == 5
    with pytest.raises(UnknownAddress):
        await desk.operations.find("none")


async def test_what_a_killed_process_left_is_interrupted(desk: Desk) -> None:
    await desk.start("reset")
    assert [record.state for record in await desk.operations.recover()] == [State.INTERRUPTED]


async def test_chargers_are_meant_by_name_and_label(desk: Desk) -> None:
    assert await desk.operations.meant([], {"site": "a"}) == ["cp001"]
    assert await desk.operations.meant(["cp*"], {}) == ["cp001"]
    with pytest.raises(UnknownAddress, match="site=b"):
        await desk.operations.meant([], {"site": "b"})


async def test_a_charger_that_does_not_run_yet_is_no_charger_to_operate(desk: Desk) -> None:
    desk.desired.clear()
    with pytest.raises(UnknownAddress, match="does not run yet"):
        await desk.start("unlock")


async def test_what_forbids_it_here_is_read_afresh_before_it_is_refused(desk: Desk) -> None:
    registered = desk.stations.live["cp001"]
    desk.connect(1, connected=False)
    with pytest.raises(NotAvailable, match="cp001 is offline"):
        await desk.start("unlock")
    desk.stations.told_elsewhere["cp001"] = registered  # it came back at another node
    assert (await desk.start("unlock")).record.state is State.RUNNING


async def test_nothing_is_read_afresh_for_what_can_be_done(desk: Desk) -> None:
    desk.stations.told_elsewhere["cp001"] = replace(desk.stations.live["cp001"], connected=False)
    assert (await desk.start("unlock")).record.state is State.RUNNING


async def test_the_second_of_the_same_waits_its_turn(desk: Desk) -> None:
    first = await desk.start("reset")
    with pytest.raises(NotAvailable) as told:
        await desk.start("reset")
    assert told.value.details["way_out"] == f"fwdctl op cp001 --follow {first.record.id}"


async def test_what_became_of_operations_is_counted_refused_ones_too(desk: Desk) -> None:
    for status in ("Accepted", "Rejected", "Accepted"):
        run = await desk.start("clear-cache")
        await asyncio.sleep(0)
        desk.stations.local_line.answer({"status": status})
        await run.wait_done()
        await asyncio.sleep(0)
    desk.desired["cp001"] = THEIRS
    desk.connect(1, owners=THEIRS.owners)
    with pytest.raises(OwnedElsewhere):
        await desk.start("reset")
    assert desk.tally.counts == {
        ("operations", "clear-cache", "succeeded"): 2,
        ("operations", "clear-cache", "failed"): 1,
        ("operations", "reset", "refused"): 1,
    }
