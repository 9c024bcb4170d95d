"""What local is to do, as values."""

from typing import get_args

from reconciler.model.features import FEATURE_SET
from reconciler.model.kinds.local_rules import Event
from reconciler.model.local_rules import EVENT_FEATURES, LoadPolicy, NotificationRule


def test_every_event_but_a_flip_belongs_to_a_feature() -> None:
    assert set(get_args(Event)) - EVENT_FEATURES.keys() == {"flip"}
    assert set(EVENT_FEATURES.values()) <= FEATURE_SET


def test_they_have_addresses() -> None:
    assert LoadPolicy("depot", (), 1.0).address == "load-policy.depot"
    assert NotificationRule("faults", frozenset(), frozenset(), ()).address == "notification-rule.faults"
