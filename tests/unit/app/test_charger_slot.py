"""What the node keeps of one charger, and how it shows: offline, live, and as it is stored."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from reconciler.app.charger_slot import ChargerSlot
from reconciler.model.live import LegPhase, LiveCharger, Refusal
from reconciler.relay.memory import SessionMemory
from tests.support.relay import PASSIVE, PRIMARY, backend, charger
from tests.unit.app.test_station_session import ACCEPTED, Owner, answer, registered, session

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
CP1 = charger("cp1", [(backend("a", "ws://a"), PRIMARY), (backend("b", "ws://b"), PASSIVE)])
START = b'[2,"7","StartTransaction",{"connectorId":2,"idTag":"T","meterStart":0,"timestamp":"x"}]'


def test_an_offline_charger_shows_when_it_was_last_seen_and_what_was_refused() -> None:
    refused = Refusal(3, "b is down")
    slot = ChargerSlot(CP1, 2, SessionMemory(), refused=refused, connections=4, last_seen_s=1000.0)
    assert slot.live(NOW, 50.0) == LiveCharger("cp1", False, 1000.0, refused=refused, connections=4)


async def test_a_live_charger_shows_its_legs_and_transactions_with_times_since_the_epoch() -> None:
    owner = Owner()
    live, station = session(owner, CP1)
    a, _ = await registered(owner, station, 2)
    station.peer_says(START)
    answer(a, b'{"transactionId":100,"idTagInfo":{"status":"Accepted"}}')
    slot = ChargerSlot(CP1, 1, live.core.state.memory, live, connections=1)
    monotonic_s = asyncio.get_running_loop().time()
    shown = slot.live(NOW, monotonic_s)
    assert (shown.connected, shown.version, shown.generation, shown.connections) == (True, "ocpp1.6", 1, 1)
    assert shown.owners == CP1.owners
    assert [(leg.backend, leg.role, leg.phase) for leg in shown.legs] == [
        ("a", "primary", LegPhase.REGISTERED),
        ("b", "passive", LegPhase.REGISTERED),
    ]
    (transaction,) = shown.transactions
    assert (transaction.id, transaction.owner, transaction.connector) == ("100", "a", "2")
    for at_s in (shown.since_s, transaction.since_s, *(leg.since_s for leg in shown.legs)):
        assert NOW - timedelta(seconds=5) < datetime.fromtimestamp(at_s, UTC) <= NOW
    assert shown.legs[0].calls == 4  # boot, start, and both answers


async def test_a_live_charger_is_the_same_object_until_anything_happens() -> None:
    owner = Owner()
    live, station = session(owner, CP1)
    a, _ = await registered(owner, station, 2)
    slot = ChargerSlot(CP1, 1, live.core.state.memory, live)
    first = slot.live(NOW, 50.0)
    assert slot.live(NOW + timedelta(hours=1), 3650.0) is first
    station.peer_says(START)
    asked = slot.live(NOW, 50.0)
    assert asked.legs[0].calls == first.legs[0].calls + 1
    answer(a, b'{"transactionId":100,"idTagInfo":{"status":"Accepted"}}')
    (transaction,) = slot.live(NOW, 50.0).transactions
    assert transaction.id == "100"
    slot.refused = Refusal(2, "b is down")
    assert slot.live(NOW, 50.0).refused == slot.refused
    assert slot.live(NOW, 50.0, lambda charger, backend: (f"{backend} set it", 7.0)).legs[1].credential == "b set it"


async def test_what_is_stored_restores_the_memory_it_was_made_from() -> None:
    owner = Owner()
    live, station = session(owner, CP1)
    a, b = await registered(owner, station, 2)
    for leg in (a, b):
        assert ACCEPTED in b"".join(station.sent) or leg.sent
    station.peer_says(b'[2,"8","StatusNotification",{"connectorId":1,"status":"Available","errorCode":"NoError"}]')
    answer(a, b"{}")
    station.peer_says(START)
    answer(a, b'{"transactionId":100,"idTagInfo":{"status":"Accepted"}}')
    kept = ChargerSlot(CP1, 1, live.core.state.memory, live).snapshot()
    stored = replace(kept, ids=json.loads(json.dumps(kept.ids)))
    memory = SessionMemory.restored(stored.version, stored.boot, stored.statuses, stored.ids, 0.0)
    again = ChargerSlot(CP1, 1, memory).snapshot()
    assert again == stored
    assert (stored.charger, stored.version) == ("cp1", "ocpp1.6")
    assert stored.boot == b'{"chargePointVendor":"v","chargePointModel":"m"}'
    assert list(stored.statuses.values()) == [b'{"connectorId":1,"status":"Available","errorCode":"NoError"}']
    assert set(memory.transactions) == {"100"}
