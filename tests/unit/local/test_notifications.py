"""What a rule tells, what it does not, and what it holds back."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.local.notifications import (
    DIGEST_AFTER,
    Condition,
    Moment,
    RuleState,
    Tell,
    claims_of,
    digests_due,
    pace,
)
from reconciler.model.local_rules import NotificationRule
from reconciler.model.notices import Delivery, Recipient
from reconciler.model.notifications import Edge, Notification, Suppressed
from tests.support.clock import EPOCH

MAIL = Recipient("faults", "email", "ops@depot.example")
HOOK = Recipient("faults", "webhook", "https://depot.example/hook")
RULE = NotificationRule(
    "faults", frozenset({"cp1"}), frozenset({"connector-faulted", "flip"}), (MAIL,), after_s=60, at_most_per_hour=3
)
FAULT = Condition("connector-faulted", "cp1/1", "cp1", True, EPOCH, ("local",), "cp1", "connector 1")
THEIRS = replace(FAULT, owners=("partner",))
OVER = replace(FAULT, stands=False)


def at(seconds: float = 60.0) -> object:
    return EPOCH + timedelta(seconds=seconds)


def look(state: RuleState, *conditions: Condition, seconds: float = 60.0) -> list[Tell | Suppressed]:
    return list(state.look(conditions, EPOCH + timedelta(seconds=seconds)))


def edges(found: list[Tell | Suppressed]) -> list[str]:
    return [one.edge.value if isinstance(one, Tell) else f"suppressed for {one.owner}" for one in found]


def test_a_trouble_is_told_once_when_it_has_lasted_and_once_when_it_is_over() -> None:
    state = RuleState(RULE)
    assert look(state, FAULT, seconds=59) == []
    (told,) = look(state, FAULT)
    assert told == Tell(
        "connector-faulted/cp1/1/20261201T020000Z",
        Edge.BEGUN,
        "connector-faulted",
        "cp1",
        "cp1 has a faulted connector: connector 1",
        EPOCH,
    )
    assert look(state, FAULT, seconds=600) == []
    assert edges(look(state, OVER, seconds=700)) == ["over"]
    assert look(state, OVER, seconds=800) == []


def test_what_was_over_before_it_lasted_is_never_told() -> None:
    state = RuleState(RULE)
    assert look(state, FAULT, seconds=10) == []
    assert look(state, OVER, seconds=20) == []


def test_what_nobody_knows_changes_nothing() -> None:
    state = RuleState(RULE)
    look(state, FAULT)
    assert look(state, replace(FAULT, stands=None), seconds=100) == []
    assert look(state, FAULT, seconds=200) == []


def test_where_another_is_in_charge_it_is_counted_once_for_each_owner() -> None:
    state = RuleState(RULE)
    assert look(state, THEIRS) == [Suppressed("faults", "connector-faulted", "partner", 1, at())]
    assert look(state, THEIRS, seconds=90) == []
    assert edges(look(state, replace(FAULT, owners=("grid",)), seconds=95)) == ["suppressed for grid"]
    assert look(state, replace(THEIRS, stands=False), seconds=100) == []


def test_it_is_told_when_local_takes_over_while_it_lasts() -> None:
    state = RuleState(RULE)
    assert edges(look(state, THEIRS)) == ["suppressed for partner"]
    assert edges(look(state, FAULT, seconds=3600)) == ["begun"]


def test_that_it_is_over_is_not_told_by_who_is_not_in_charge_any_more_but_it_is_over() -> None:
    state = RuleState(RULE)
    look(state, FAULT)
    found = look(state, replace(OVER, owners=("partner",)), seconds=90)
    assert edges(found) == ["over", "suppressed for partner"]
    assert isinstance(found[0], Tell)
    assert found[0].quietly
    assert [claim.status for claim in claims_of(RULE, [found[0]], EPOCH)] == [Delivery.SUPERSEDED]


def test_without_recovery_it_is_only_noted() -> None:
    state = RuleState(replace(RULE, recovery=False))
    look(state, FAULT)
    (over,) = look(state, OVER, seconds=90)
    assert isinstance(over, Tell)
    assert over.quietly


def test_a_rule_tells_only_of_what_it_is_about() -> None:
    assert look(RuleState(replace(RULE, on=frozenset({"flip"}))), FAULT) == []
    moment = Moment("security-event", "cp1/x", "cp1", EPOCH, ("local",), "cp1")
    assert list(RuleState(RULE).happened(moment)) == []


def test_something_that_happened_is_told_or_counted_at_once() -> None:
    moment = Moment("flip", "cp1/1", "cp1", EPOCH, ("local",), "cp1", "every feature: partner -> local")
    (told,) = RuleState(RULE).happened(moment)
    assert isinstance(told, Tell)
    assert (told.trouble, told.summary) == ("flip/cp1/1", "cp1 changed hands: every feature: partner -> local")
    assert edges(list(RuleState(RULE).happened(replace(moment, owners=("partner", "grid"))))) == [
        "suppressed for partner"
    ]


def test_what_an_earlier_process_told_is_not_told_again_and_ends_as_the_same_trouble() -> None:
    before = RuleState(RULE)
    (told,) = look(before, FAULT)
    assert isinstance(told, Tell)
    (standing,) = claims_of(RULE, [told], EPOCH)
    after = RuleState(RULE, [standing])
    assert look(after, replace(FAULT, since=EPOCH + timedelta(hours=2)), seconds=9000) == []
    (over,) = look(after, OVER, seconds=9100)
    assert isinstance(over, Tell)
    assert over.trouble == told.trouble


def messages(count: int, rule: NotificationRule = RULE) -> list[Notification]:
    tells = [Tell(f"flip/cp1/{n}", Edge.BEGUN, "flip", "cp1", f"cp1 {n}", EPOCH) for n in range(count)]
    return claims_of(rule, tells, EPOCH)


def test_more_than_the_rule_allows_in_an_hour_is_held_back_for_each_recipient() -> None:
    both = replace(RULE, to=(MAIL, HOOK))
    paced = pace(both, messages(5, both), [], EPOCH)
    for recipient in (MAIL, HOOK):
        found = [one.status.value for one in paced if one.recipient == recipient]
        assert found == ["pending", "pending", "pending", "held", "held"]


def test_what_was_sent_within_the_hour_counts_and_what_is_older_does_not() -> None:
    sent = [replace(one, status=Delivery.SENT) for one in messages(3)]
    assert [one.status.value for one in pace(RULE, messages(1), sent, EPOCH)] == ["held"]
    later = EPOCH + timedelta(hours=1)
    assert [one.status.value for one in pace(RULE, messages(1), sent, later)] == ["pending"]
    assert pace(RULE, messages(1), [replace(one, rule="other") for one in sent], EPOCH)[0].status is Delivery.PENDING


def test_the_end_of_what_was_held_back_is_held_back_with_it() -> None:
    (held,) = [replace(one, status=Delivery.HELD) for one in messages(1)]
    over = replace(held, edge=Edge.OVER, status=Delivery.PENDING)
    assert pace(RULE, [over], [held], EPOCH)[0].status is Delivery.HELD


def test_a_digest_says_what_was_held_back_once_and_no_sooner_than_after_a_while() -> None:
    held = [replace(one, status=Delivery.HELD) for one in messages(4)]
    assert digests_due(held, EPOCH + DIGEST_AFTER - timedelta(seconds=1)) == []
    ((told, kept),) = digests_due(held, EPOCH + DIGEST_AFTER)
    assert kept == tuple(held)
    assert (told.edge, told.trouble, told.recipient) == (Edge.DIGEST, "digest/20261201T020000Z", MAIL)
    assert told.summary.startswith("4 more by faults\n02:00:00 cp1 0\n")
    assert digests_due([replace(one, status=Delivery.SUPERSEDED) for one in held], EPOCH + DIGEST_AFTER) == []
