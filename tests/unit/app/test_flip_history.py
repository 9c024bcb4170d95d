"""What the controller writes into history: by the node that acts only, and nothing is lost while the store is away."""

import pytest
from msgspec.structs import replace

from reconciler.app.courses import Cause
from reconciler.app.duty import LeasedDuty, SoleDuty
from reconciler.app.flip_history import FlipHistory, cause_of
from reconciler.model.failovers import Failover
from reconciler.model.outages import Occurrence
from reconciler.model.overrides import Override
from reconciler.planning.effective import Layer, LayerKind
from tests.support.clock import EPOCH, FakeClock
from tests.support.memory_store import MemoryStore
from tests.support.outages import once

BEFORE, AFTER = {"transactions": "partner", "heartbeat": "partner"}, {"transactions": "local", "heartbeat": "partner"}


async def test_a_flip_says_what_moved_who_asked_and_why() -> None:
    store = MemoryStore()
    history = FlipHistory(store, FakeClock(), SoleDuty())
    history.note_flip("cp1", BEFORE, AFTER, Cause("ann", "visit", 7))
    history.note_flip("cp1", AFTER, dict(AFTER), Cause())
    history.note_flip("cp1", None, AFTER, Cause())
    await history.flush()
    (event,) = store.events
    assert (event.kind, event.charger, event.actor, event.reason, event.revision) == ("flip", "cp1", "ann", "visit", 7)
    assert event.details["moves"] == [{"features": ["transactions"], "before": "partner", "after": "local"}]


async def test_a_node_that_stands_by_writes_nothing() -> None:
    store, clock = MemoryStore(), FakeClock()
    history = FlipHistory(store, clock, LeasedDuty(store, clock, "acting", "n1/1"))
    history.note("flip", "cp1", "moved", Cause())
    await history.flush()
    assert store.events == []


async def test_what_could_not_be_written_is_written_later_in_order() -> None:
    store = MemoryStore()
    history = FlipHistory(store, FakeClock(), SoleDuty())
    history.note("flip", "cp1", "first", Cause())
    store.away = True
    with pytest.raises(OSError, match="away"):
        await history.flush()
    store.away = False
    history.note("flip", "cp1", "second", Cause())
    await history.flush()
    assert [event.summary for event in store.events] == ["first", "second"]


def test_a_layer_names_who_asked_for_it() -> None:
    toggle = Layer(LayerKind.OVERRIDE, {}, (Override("o", "cp1", {}, EPOCH, None, "visit", "bob"),))
    failover = Layer(LayerKind.FAILOVER, {}, (Failover("cp1", "partner", "local", EPOCH, "auto"),))
    declared = once()
    outage = Layer(LayerKind.OUTAGE, {}, (Occurrence(declared, EPOCH, EPOCH),))
    begun = Layer(LayerKind.OUTAGE, {}, (Occurrence(replace(declared, actor="eve"), EPOCH, EPOCH),))
    causes = [cause_of(layer) for layer in (toggle, failover, outage, begun)]
    assert [cause.actor for cause in causes] == ["bob", "controller", "controller", "eve"]
    assert causes[0].reason == "visit"
