"""One policy over a few chargers, look by look."""

from msgspec.structs import replace

from reconciler.local.load.allotments import FOLLOW_S, Outcome
from reconciler.local.load.balance import ANSWER_WITHIN_S, SETTLE_S, SHARE_EVERY_S, WITHDRAW_WITHIN_S, Balance
from reconciler.local.load.facts import Facts, SetLimit, Step, Terms, Withdraw
from reconciler.local.load.metering import Reading

TERMS = Terms("depot", 30_000.0, 3_000.0)
PARTNER = "partner owns smart-charging"


class Depot:
    """A balance, the facts that it is told, and what it asks."""

    def __init__(self, *chargers: Facts, terms: Terms = TERMS, limits: dict[str, float] | None = None) -> None:
        self.balance = Balance(terms, (limits or {}).get)
        self.facts = {found.charger: found for found in chargers}
        self.now_s = 100.0

    def look(self, after_s: float = 0.0, *, answer: Outcome | None = "accepted") -> list[Step]:
        """Return what is asked now; all of it is answered at once where an answer is given."""
        self.now_s += after_s
        steps = list(self.balance.look(self.facts.values(), self.now_s))
        for step in steps:
            if isinstance(step, SetLimit) and answer is not None:
                self.answer(step.charger, answer)
        return steps

    def answer(self, charger: str, outcome: Outcome) -> None:
        """Answer what a charger was asked."""
        self.balance.answered(charger, outcome, self.now_s, "" if outcome == "accepted" else f"it was {outcome}")
        if outcome == "accepted":
            self.change(charger, standing=True)

    def change(self, charger: str, **fields: object) -> None:
        """Change what is known of a charger."""
        self.facts[charger] = replace(self.facts[charger], **fields)  # type: ignore[arg-type]

    def settled(self, rounds: int = 6) -> dict[str, float | None]:
        """Let limits come to rest, and return them in kW."""
        for _ in range(rounds):
            self.look(FOLLOW_S + 1)
        return {load.charger: load.limit_w and load.limit_w / 1000 for load in self.picture.chargers}

    @property
    def picture(self):  # type: ignore[no-untyped-def]
        """How the policy stands."""
        return self.balance.picture(self.now_s)


def charger(name: str, *, active: float | None = 0.0, **fields: object) -> Facts:
    return Facts(name, 22_000.0, active_since_s=active, **fields)  # type: ignore[arg-type]


def test_the_first_limits_are_set_at_once_and_what_others_left_goes_first() -> None:
    depot = Depot(charger("a"), charger("b"), charger("c"))
    assert depot.look() == [SetLimit(name, 10_000.0, first=True) for name in "abc"]
    assert depot.look(1) == []
    assert depot.settled() == {"a": 10, "b": 10, "c": 10}
    assert depot.picture.is_kept


def test_lowering_comes_first_and_raising_waits_until_it_was_followed() -> None:
    depot = Depot(charger("a"), charger("b", active=None))
    assert depot.settled() == {"a": 22, "b": 8}
    depot.change("b", active_since_s=depot.now_s)
    assert depot.look(1) == [SetLimit("a", 15_000.0)]
    assert depot.look(FOLLOW_S - 1) == []  # the car at a may still be on its way down
    assert depot.look(1) == [SetLimit("b", 15_000.0)]


def test_a_charger_that_does_not_answer_keeps_what_it_may_draw_and_the_others_do_without() -> None:
    depot = Depot(charger("a"), charger("b"), charger("c", active=None))
    assert depot.settled() == {"a": 13.5, "b": 13.5, "c": 3}
    depot.change("c", active_since_s=depot.now_s)
    assert depot.look(1, answer=None) == [SetLimit("a", 10_000.0), SetLimit("b", 10_000.0)]
    depot.answer("b", "accepted")
    depot.look(ANSWER_WITHIN_S, answer=None)
    depot.answer("a", "lost")
    depot.look(FOLLOW_S + 1, answer=None)
    (a, _b, c) = depot.picture.chargers
    assert (a.counted_w, a.problem) == (13_500.0, "it was lost")
    assert depot.picture.is_kept
    assert c.counted_w <= 6_500.0


def test_a_charger_of_another_counts_with_what_it_draws_and_with_all_when_nobody_knows() -> None:
    terms = replace(TERMS, limit_w=60_000.0)
    depot = Depot(charger("a"), charger("b", why_not=PARTNER, active=None), terms=terms)
    depot.look()
    counted = lambda: {load.charger: load.counted_w for load in depot.picture.chargers}  # noqa: E731
    assert counted()["b"] == 0.0  # connected and idle
    depot.change("b", active_since_s=depot.now_s, reading=Reading(2_000.0, depot.now_s))
    depot.look(1)
    assert counted()["b"] == 22_000.0  # it has just begun: the car may still be coming up
    depot.change("b", reading=Reading(5_000.0, depot.now_s + SETTLE_S))
    depot.look(SETTLE_S)
    assert counted()["b"] == 5_000.0
    depot.look(terms.stale_s + 1)
    assert counted()["b"] == 22_000.0  # stale
    depot.change("b", connected=False)
    depot.look(1)
    assert counted()["b"] == 22_000.0  # it may charge on while it is offline
    depot.change("b", seen=False)
    depot.look(1)
    assert counted()["b"] == 0.0


def test_an_idle_charger_whose_last_meter_value_is_old_draws_nothing_unless_that_said_otherwise() -> None:
    depot = Depot(charger("a"), charger("b", why_not=PARTNER, active=None, reading=Reading(20.0, 0.0)))
    depot.look(10_000)
    assert depot.picture.chargers[1].counted_w == 0.0
    depot.change("b", reading=Reading(9_000.0, 0.0))  # a transaction that nobody saw begin
    depot.look(1)
    assert depot.picture.chargers[1].counted_w == 22_000.0


def test_where_the_rating_counts_nothing_else_does() -> None:
    depot = Depot(charger("a"), charger("b", why_not=PARTNER, active=None), terms=replace(TERMS, others="rated"))
    assert depot.settled() == {"a": 8, "b": None}


def test_the_reserve_is_kept_free() -> None:
    depot = Depot(charger("a"), charger("b"), terms=replace(TERMS, reserve_w=10_000.0))
    assert depot.settled() == {"a": 10, "b": 10}


def test_a_car_that_takes_little_leaves_the_rest_to_others_and_gets_it_back_when_it_takes_more() -> None:
    depot = Depot(charger("a"), charger("b"))
    assert depot.settled() == {"a": 15, "b": 15}
    depot.change("a", reading=Reading(4_000.0, depot.now_s + 60))
    depot.look(61)
    assert depot.settled() == {"a": 8, "b": 22}
    depot.change("a", reading=Reading(7_900.0, depot.now_s + 60))
    depot.look(61)
    assert depot.settled() == {"a": 15, "b": 15}


def test_profiles_are_not_rewritten_at_each_meter_value() -> None:
    depot = Depot(charger("a"), charger("b"))
    depot.settled()
    asked = []
    for second in range(300):
        depot.change("a", reading=Reading(14_000.0 + 300 * (second % 3), depot.now_s))
        asked += depot.look(1)
    assert asked == []


def test_who_lost_smart_charging_is_let_go_once_there_is_room_for_all_it_may_draw() -> None:
    depot = Depot(charger("a"), charger("b"))
    depot.settled()
    depot.change("b", why_not=PARTNER)
    assert depot.look(1) == [SetLimit("a", 8_000.0)]
    assert depot.look(1) == []
    assert depot.look(FOLLOW_S) == [Withdraw("b")]
    assert depot.look(1) == []
    depot.change("b", standing=False)
    depot.look(1)
    assert [(load.limit_w, load.counted_w) for load in depot.picture.chargers] == [(8_000, 8_000), (None, 22_000)]


def test_where_there_never_is_room_it_is_let_go_all_the_same_and_the_picture_says_so() -> None:
    depot = Depot(charger("a"), charger("b"), terms=replace(TERMS, limit_w=20_000.0))
    depot.settled()
    depot.change("b", why_not=PARTNER)
    assert Withdraw("b") not in depot.look(WITHDRAW_WITHIN_S - 2)
    assert Withdraw("b") in depot.look(WITHDRAW_WITHIN_S)
    assert not depot.picture.is_kept


def test_a_limit_that_somebody_took_away_is_set_again() -> None:
    depot = Depot(charger("a"))
    depot.settled()
    depot.change("a", standing=False)
    assert depot.look(1) == [SetLimit("a", 22_000.0, first=True)]


def test_a_station_that_came_anew_is_told_again() -> None:
    depot = Depot(charger("a"), charger("b"))
    depot.settled()
    depot.change("a", session=1)
    assert depot.look(1) == [SetLimit("a", 15_000.0)]
    assert depot.look(1) == []


def test_limits_of_an_earlier_process_count_before_anything_was_asked() -> None:
    facts = [charger(name, standing=True, connected=False) for name in "ab"]
    depot = Depot(*facts, limits={"a": 12_000.0, "b": 9_000.0})
    assert depot.look() == []
    assert depot.picture.counted_w == 21_000.0
    assert depot.balance.durable() == {"a": 12_000.0, "b": 9_000.0}


def test_it_says_when_to_look_again() -> None:
    depot = Depot(charger("a"))
    depot.look(answer=None)
    assert depot.balance.next_change_s(depot.now_s) == depot.now_s + ANSWER_WITHIN_S
    depot.answer("a", "accepted")
    depot.look(FOLLOW_S + 1)
    assert depot.balance.next_change_s(depot.now_s) == depot.now_s + SHARE_EVERY_S


def test_a_charger_that_left_the_group_is_forgotten() -> None:
    depot = Depot(charger("a"), charger("b"))
    depot.settled()
    del depot.facts["b"]
    assert depot.settled() == {"a": 22}
