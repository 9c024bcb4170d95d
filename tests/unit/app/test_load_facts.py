"""What load management knows of a charger, read off its session and its memory."""

from reconciler.app.load_facts import facts_of, is_at_work, stands, terms_of
from reconciler.local.load.metering import Meter
from reconciler.model.local_rules import LoadMember, LoadPolicy
from reconciler.relay.residue import Residue
from tests.support.local_depot import THEIRS, LocalDepot

MEMBER = LoadMember("cp1", 22_000.0, 3)


def test_terms_are_the_policy_without_its_chargers() -> None:
    policy = LoadPolicy("cap", (MEMBER,), 30_000.0, 3_000.0, True, "rated", 1_000.0, 60.0, 230.0)
    terms = terms_of(policy)
    assert (terms.name, terms.limit_w, terms.min_w, terms.by_priority, terms.others) == (
        "cap",
        30_000.0,
        3_000.0,
        True,
        "rated",
    )
    assert (terms.reserve_w, terms.stale_s, terms.amperes_at_v) == (1_000.0, 60.0, 230.0)


async def test_a_charger_of_ours_is_governed_and_at_work_once_it_booted() -> None:
    depot = LocalDepot()
    await depot.declare("cp1")
    facts = facts_of(MEMBER, depot.node.slot("cp1"), Meter(), 0.0, 180.0)
    assert (facts.governed, facts.connected, facts.seen, facts.priority) == (True, False, False, 3)
    station = await depot.connect("cp1")
    station.say(
        "StartTransaction", {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-12-01T02:00:00Z"}
    )
    await depot.settle()
    slot = depot.node.slot("cp1")
    assert slot is not None
    assert is_at_work(slot)
    facts = facts_of(MEMBER, slot, Meter(), 0.0, 180.0)
    assert (facts.connected, facts.seen, facts.session, facts.active_since_s) == (True, True, 1, 0.0)


async def test_a_charger_of_another_says_whose_it_is() -> None:
    depot = LocalDepot()
    await depot.declare("cp1", THEIRS)
    await depot.connect("cp1")
    facts = facts_of(MEMBER, depot.node.slot("cp1"), Meter(), 0.0, 180.0)
    assert (facts.why_not, facts.connected) == ("partner owns smart-charging", True)


async def test_what_is_not_declared_yet_was_never_seen() -> None:
    facts = facts_of(MEMBER, None, Meter(), 0.0, 180.0)
    assert (facts.governed, facts.connected, facts.seen) == (False, False, False)


async def test_only_a_limit_of_ours_on_the_whole_station_stands() -> None:
    depot = LocalDepot()
    await depot.declare("cp1")
    slot = depot.node.slot("cp1")
    assert slot is not None
    others = ["charging-profile", "2", "partner", "ChargePointMaxProfile level 0 at 0"]
    slot.memory.residue.restore([["charging-profile", "1", "local", "TxProfile level 0 at 1"], others])
    assert not stands(slot)
    slot.memory.residue._put(Residue("charging-profile", "3", "local", "ChargePointMaxProfile level 0 at 0"))
    assert stands(slot)
