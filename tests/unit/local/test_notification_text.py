"""The words of notifications."""

from typing import get_args

from msgspec.structs import replace

from reconciler.local.notification_text import DIGEST_MAX, body, digest, event_name, sentence, subject
from reconciler.model.kinds.local_rules import Event
from reconciler.model.local_rules import STATES
from reconciler.model.notices import Recipient
from reconciler.model.notifications import Edge, Notification
from tests.support.clock import EPOCH

TOLD = Notification(
    "faults",
    "connector-faulted/cp1/1/x",
    Edge.BEGUN,
    Recipient("faults", "email", "a@b"),
    "connector-faulted",
    "cp1",
    "cp1 has a faulted connector: connector 1, GroundFailure",
    EPOCH,
    EPOCH,
    EPOCH,
)


def test_every_event_has_words_and_every_state_has_an_end() -> None:
    for event in get_args(Event):
        assert event not in sentence(event, Edge.BEGUN, "cp1", "")
    for event in STATES:
        assert event not in sentence(event, Edge.OVER, "cp1", "")
        assert event_name(replace(TOLD, event=event, edge=Edge.OVER)) != event


def test_the_mail_says_what_when_where_by_which_rule_and_whom_to_ask() -> None:
    assert subject(TOLD) == TOLD.summary
    assert body(TOLD, "noc@relay.example").splitlines() == [
        "cp1 has a faulted connector: connector 1, GroundFailure.",
        "",
        "When:    2026-12-01 02:00:00 UTC",
        "Look:    fwdctl status charger.cp1",
        "Rule:    notification-rule.faults",
        "Contact: noc@relay.example",
    ]


def test_a_digest_counts_and_lists_and_is_bounded() -> None:
    held = replace(TOLD, edge=Edge.DIGEST, charger="", summary=digest("faults", [TOLD, TOLD]))
    assert subject(held) == "2 more by faults"
    assert body(held, "").count("02:00:00 cp1 has a faulted connector") == 2
    assert event_name(held) == "digest"
    assert digest("faults", [TOLD] * (DIGEST_MAX + 7)).endswith("and 7 more")
