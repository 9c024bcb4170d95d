"""What local is to do, as values."""

from typing import get_args

from reconciler.model.features import FEATURE_SET
from reconciler.model.kinds.local_rules import Event
from reconciler.model.local_rules import EVENT_FEATURES, RELAY_EVENTS, RELAY_SECURITY, LoadPolicy, NotificationRule


def test_every_event_but_a_flip_belongs_to_a_feature() -> None:
    assert set(get_args(Event)) - EVENT_FEATURES.keys() - RELAY_EVENTS == {"flip"}
    assert set(get_args(Event)) > RELAY_EVENTS
    assert set(EVENT_FEATURES.values()) <= FEATURE_SET


def test_what_is_about_no_charger_is_for_rules_that_say_so_whichever_chargers_they_select() -> None:
    rule = NotificationRule("both", frozenset({"cp1"}), frozenset({"flip", RELAY_SECURITY}), ())
    asked = [("flip", "cp1"), ("flip", "cp2"), ("flip", ""), (RELAY_SECURITY, ""), (RELAY_SECURITY, "cp2")]
    assert [rule.is_about(*one) for one in asked] == [True, False, False, True, False]
    assert rule.is_about_the_relay
    assert not NotificationRule("one", frozenset({"cp1"}), frozenset({"flip"}), ()).is_about_the_relay


def test_they_have_addresses() -> None:
    assert LoadPolicy("depot", (), 1.0).address == "load-policy.depot"
    assert NotificationRule("faults", frozenset(), frozenset(), ()).address == "notification-rule.faults"
