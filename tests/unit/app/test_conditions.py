"""How things stand, read off sessions and memories."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.app.conditions import (
    SETTLE,
    Onsets,
    backends_down,
    faulted,
    legs_of,
    loads_exceeded,
    offline,
    offline_elsewhere,
)
from reconciler.app.reported_faults import ReportedFault
from reconciler.local.load.facts import ChargerLoad, PolicyLoad
from reconciler.local.notifications import Condition
from reconciler.model.live import LiveCharger
from reconciler.model.local_rules import NotificationRule
from tests.support.clock import EPOCH
from tests.support.local_depot import THEIRS, LocalDepot

RULE = NotificationRule("all", frozenset({"cp1", "cp2", "none"}), frozenset({"backend-down"}), ())


async def depot_of(*names: str) -> LocalDepot:
    depot = LocalDepot()
    for name in names:
        await depot.declare(name)
    return depot


def standing(found: Condition | None) -> bool | None:
    assert found is not None
    return found.stands


async def test_a_charger_is_offline_once_it_was_there() -> None:
    depot = await depot_of("cp1")
    slot = depot.node.slot("cp1")
    assert slot is not None
    assert offline("cp1", slot, EPOCH) is None  # never seen: nobody misses it
    await depot.connect("cp1")
    assert standing(offline("cp1", slot, EPOCH)) is False
    depot.clock.advance(50)
    await depot.leave("cp1")
    gone = offline("cp1", slot, EPOCH)
    assert gone is not None
    assert (gone.stands, gone.since, gone.owners) == (True, EPOCH + timedelta(seconds=50), ("local",))
    slot.last_seen_s = 0.0  # as after a restart
    again = offline("cp1", slot, EPOCH)
    assert again is not None
    assert again.since == EPOCH + SETTLE


async def test_a_faulted_connector_says_which_and_why_and_since_when() -> None:
    depot, onsets = await depot_of("cp1"), Onsets()
    station = await depot.connect("cp1")
    slot = depot.node.slot("cp1")
    assert slot is not None
    for connector, status in ((1, "Faulted"), (2, "Available")):
        error = "GroundFailure" if status == "Faulted" else "NoError"
        station.say("StatusNotification", {"connectorId": connector, "status": status, "errorCode": error})
    first, second = faulted("cp1", slot, {}, onsets, EPOCH)
    assert (first.stands, first.detail, second.stands) == (True, "connector 1, GroundFailure", False)
    later = EPOCH + timedelta(minutes=5)
    assert next(faulted("cp1", slot, {}, onsets, later)).since == EPOCH
    station.say("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"})
    assert [found.stands for found in faulted("cp1", slot, {}, onsets, later)] == [False, False]
    slot.memory.statuses["0/1"] = b'{"status":"Faulted"'  # nothing that a station says breaks it
    assert len(list(faulted("cp1", slot, {}, onsets, later))) == 3


async def test_what_a_station_says_by_events_goes_before_its_last_status() -> None:
    depot, onsets = await depot_of("cp1"), Onsets()
    station = await depot.connect("cp1")
    slot = depot.node.slot("cp1")
    assert slot is not None
    station.say("StatusNotification", {"connectorId": 1, "status": "Faulted", "errorCode": "GroundFailure"})
    reported = {"-1/1": ReportedFault(False, "connector 1"), "0/0/Modem": ReportedFault(True, "Modem has a problem")}
    well, broken = faulted("cp1", slot, reported, onsets, EPOCH)
    assert (well.key, well.stands) == ("cp1/-1-1", False)
    assert (broken.key, broken.stands, broken.detail) == ("cp1/0-0-Modem", True, "Modem has a problem")


async def test_a_back_end_is_away_for_as_many_chargers_as_miss_it_and_back_when_it_registered() -> None:
    depot, onsets = await depot_of("cp1"), Onsets()
    await depot.declare("cp2", THEIRS)
    slots = {}
    for name in ("cp1", "cp2"):
        await depot.connect(name)
        slot = depot.node.slot(name)
        assert slot is not None
        slots[name] = slot
    look = lambda now_s: {  # noqa: E731
        found.about: found
        for found in backends_down(
            RULE,
            {name: legs_of(slot, now_s) for name, slot in slots.items()},
            slots,
            onsets,
            EPOCH + timedelta(seconds=now_s),
        )
    }
    assert {name: found.stands for name, found in look(0.0).items()} == {"local": False, "partner": False}
    for slot in slots.values():
        assert slot.session is not None
        slot.session.core.state.legs["partner"].closed(10.0, "gone")
    assert "partner" not in look(10.0)  # gone, and not yet for long
    away = look(80.0)["partner"]
    assert (away.stands, away.detail, away.owners) == (True, "for 2 chargers", ("local", "partner"))


def test_a_policy_is_exceeded_for_the_rules_that_have_a_charger_of_it() -> None:
    load = ChargerLoad("cp1", "partner owns smart-charging", True, None, None, 22_000.0, 22_000.0)
    picture = PolicyLoad("cap", 20_000.0, 0.0, 22_000.0, 0.0, (load,))
    (found,) = loads_exceeded(RULE, [picture], {}, Onsets(), EPOCH)
    assert (found.stands, found.about) == (True, "load-policy.cap")
    assert found.detail == "22.0 kW may be drawn, the limit is 20 kW"
    other = NotificationRule("other", frozenset({"cp9"}), frozenset(), ())
    assert list(loads_exceeded(other, [picture], {}, Onsets(), EPOCH)) == []


async def test_a_charger_of_another_node_is_offline_as_that_nodes_report_says_from_when_that_was_seen() -> None:
    depot = LocalDepot()
    await depot.declare("cp1")
    slot, onsets = depot.node.slot("cp1"), Onsets()
    assert slot is not None
    there = LiveCharger("cp1", connected=True, since_s=1.0)
    assert standing(offline_elsewhere("cp1", slot, there, onsets, EPOCH)) is False
    gone = offline_elsewhere("cp1", slot, replace(there, connected=False), onsets, EPOCH)
    assert (gone.stands, gone.since, gone.owners) == (True, EPOCH, ("local",))
