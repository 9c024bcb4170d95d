"""The words of load management."""

from reconciler.local.load.facts import ChargerLoad, Facts, PolicyLoad


def test_a_charger_is_governed_where_nothing_speaks_against_it() -> None:
    assert Facts("cp1", 1.0).governed
    assert not Facts("cp1", 1.0, why_not="partner owns smart-charging").governed


def test_a_policy_is_kept_while_no_more_than_its_limit_may_be_drawn() -> None:
    assert PolicyLoad("p", 100.0, 0.0, 100.0, 0.0, ()).is_kept
    assert not PolicyLoad("p", 100.0, 0.0, 102.0, 0.0, ()).is_kept


def test_a_picture_can_be_kept_to_some_chargers() -> None:
    loads = tuple(ChargerLoad(name, "", True, None, None, 1.0, 1.0) for name in ("a", "b"))
    within = PolicyLoad("p", 100.0, 0.0, 2.0, 0.0, loads).within({"b"})
    assert ([load.charger for load in within.chargers], within.counted_w) == (["b"], 2.0)
