"""What `fwdctl drift` tells of a charger."""

from reconciler.cli.drift import NAMED, told

FEATURES = [f"owners.f{number}" for number in range(NAMED + 2)]
DRIFTED = {
    "charger": "cp001",
    "state": "drifted",
    "differences": ["grid owns it all, partner is to"],
    "fields": [{"field": field, "applied": "partner", "live": "grid"} for field in FEATURES]
    + [{"field": "legs.spare.role", "applied": "passive", "live": None}],
    "origin": None,
    "paused": None,
}


def test_fields_that_went_the_same_way_are_one_line_and_only_the_first_are_named() -> None:
    assert list(told([DRIFTED])) == [
        "cp001: drifted, grid owns it all, partner is to",
        "  owners.f0, owners.f1, owners.f2, owners.f3 and 2 more: partner -> grid",
        "  legs.spare.role: passive -> none",
        "  by nobody that history knows of",
        "  the controller heals it",
    ]


def test_who_did_it_and_who_paused_it_are_told() -> None:
    origin = {"who": "toggle by bob", "why": None, "at": None}
    *_, by, healing = told([DRIFTED | {"origin": origin, "paused": "ann: electrician"}])
    assert (by, healing) == ("  by toggle by bob", "  not healed: paused, ann: electrician")


def test_a_refused_one_names_who_asked_for_it_when_and_why() -> None:
    origin = {"who": "ann", "why": "contract", "at": "2026-05-04T03:00:00.000Z"}
    refused = DRIFTED | {"state": "refused", "differences": ["grid rejects it"], "fields": [], "origin": origin}
    assert list(told([refused])) == [
        "cp001: refused, grid rejects it",
        "  asked for by ann at 2026-05-04T03:00:00Z (contract); the last good roles keep running",
        "  it is asked again, later and later",
    ]


def test_chargers_that_stand_alike_are_told_once_however_many_they_are() -> None:
    alike = [DRIFTED | {"charger": f"cp{number:03}"} for number in range(900)]
    lines = list(told([*alike, DRIFTED | {"charger": "cp900", "paused": "ann: electrician"}]))
    assert lines[0] == "cp000, cp001, cp002, cp003, cp004 and 895 more: drifted, grid owns it all, partner is to"
    assert [line for line in lines if not line.startswith(" ")][1:] == [
        "cp900: drifted, grid owns it all, partner is to"
    ]
