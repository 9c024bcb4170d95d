"""Render: the words of a plan."""

import pytest
from msgspec.structs import replace

from reconciler.model.features import FEATURES
from reconciler.model.local_rules import Coverage
from reconciler.model.plan import Action, Disruption, Effect, FieldChange, Move, Plan, ResourceChange
from reconciler.planning import render
from tests.support.clock import EPOCH

EMPTY = Plan("p1", EPOCH, 0)
CHANGE = ResourceChange("charger.cp001", Action.CREATE, None, {})


def test_the_headlines_are_an_interface() -> None:
    changes = (CHANGE, CHANGE, ResourceChange("role.x", Action.DELETE, {}, None))
    assert render.headline(EMPTY) == "No changes. What is applied matches the specs."
    assert render.headline(Plan("p1", EPOCH, 0, changes)) == "Plan: 2 to add, 0 to change, 1 to destroy."


def test_effects_are_counted_in_one_line() -> None:
    effects = (
        Effect(Disruption.LIVE_FLIP, chargers=("a", "b"), deferred=("c",)),
        Effect(Disruption.RECONNECT, chargers=("d",)),
        Effect(Disruption.REFUSED, "it ends", chargers=("e",)),
        Effect(Disruption.NONE, chargers=("f",)),
        Effect(Disruption.DISCONNECT, chargers=("g",), deferred=("h",)),
    )
    line = render.effects_line(Plan("p1", EPOCH, 0, (CHANGE,), effects))
    assert line == "Effects: 2 flipped live, 1 reconnected, 1 disconnected, 1 waiting, 1 unnoticed, 1 deferred."
    assert render.effects_line(EMPTY) == ""


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "cp0"),
        (6, "cp0, cp1, cp2, cp3, cp4, cp5"),
        (7, "cp0, cp1, cp2, cp3, cp4 and 2 more"),
    ],
)
def test_long_lists_of_names_are_cut_where_it_saves_something(count: int, text: str) -> None:
    assert render.names([f"cp{number}" for number in range(count)], verbose=False) == text


def test_a_verbose_list_is_whole() -> None:
    assert render.names([f"cp{number}" for number in range(40)], verbose=True).endswith("cp39")


def test_features_are_short_where_they_are_nearly_all() -> None:
    assert render.features(FEATURES) == "every feature"
    assert render.features([name for name in FEATURES if name != "firmware"]) == "every feature but firmware"
    assert render.features(["metering", "firmware"]) == "metering, firmware"


def test_a_move_names_loser_and_winner_and_nobody() -> None:
    assert render.move_text(Move(("metering",), "partner", "grid")) == "metering: partner -> grid"
    assert render.move_text(Move(("metering",), "", "grid")) == "metering: nobody -> grid"


def test_an_effect_says_how_many_are_charging_and_how_many_are_offline() -> None:
    effect = Effect(Disruption.REFUSED, "the open transaction ends", (), (), ("a", "b"), ("a",), ("c",))
    assert render.effect_title(effect) == "refused until the open transaction ends"
    assert render.effect_count(effect) == "3 chargers (1 with an open transaction; 1 offline, at the next connection)"
    assert render.effect_count(Effect(Disruption.NONE, chargers=("a",))) == "1 charger"
    gone = Effect(Disruption.DISCONNECT, chargers=("a",), deferred=("b",))
    assert render.effect_count(gone) == "2 chargers (1 offline)"


@pytest.mark.parametrize(
    ("field", "symbol", "text"),
    [
        (FieldChange("a", None, "new"), "+", "new"),
        (FieldChange("a", "old", None), "-", "old"),
        (FieldChange("a", 1, 2.5), "~", "1 -> 2.5"),
        (FieldChange("a", False, True), "~", "false -> true"),
        (FieldChange("a", ["x", 1], {"fromEnv": "Y"}), "~", "[x, 1] -> {fromEnv: Y}"),
        (FieldChange("a", None, [None]), "+", "[null]"),
        (FieldChange("a", "", " x"), "~", "'' -> ' x'"),
    ],
)
def test_a_field_says_what_it_becomes(field: FieldChange, symbol: str, text: str) -> None:
    assert (render.field_symbol(field), render.field_value(field)) == (symbol, text)


def test_text_cannot_play_tricks_on_a_terminal() -> None:
    assert render.value_text("a\x1b[2Jb\u202ec") == r"'a\x1b[2Jb\u202ec'"


def many(action: Action, count: int, url: str = "ws://b") -> list[ResourceChange]:
    """Return changes of so many back-ends that look the same."""
    fields = (FieldChange("spec.url", "ws://a", url),) if action is Action.UPDATE else ()
    return [ResourceChange(f"backend.b{number:04}", action, None, None, fields) for number in range(count)]


def test_thousands_of_changes_that_look_the_same_are_one_line() -> None:
    groups = render.alike([*many(Action.CREATE, 2000), *many(Action.UPDATE, 1000)], verbose=False)
    assert [group.title for group in groups] == [
        "2000 x backend: b0000, b0001, b0002, b0003, b0004 and 1995 more",
        "1000 x backend: b0000, b0001, b0002, b0003, b0004 and 995 more",
    ]


def test_changes_that_differ_in_a_value_and_short_lists_are_told_one_by_one() -> None:
    mixed = [change for number in range(20) for change in many(Action.UPDATE, 1, f"ws://{number}")]
    assert len(render.alike(mixed, verbose=False)) == 20
    assert [group.title for group in render.alike(many(Action.CREATE, 2), verbose=False)] == [
        "backend.b0000",
        "backend.b0001",
    ]


def test_thousands_of_changes_of_the_same_field_are_one_line_with_the_first_values() -> None:
    several = many(Action.UPDATE, 1000)
    other = FieldChange("spec.callTimeout", "30s", "10s")
    varied = [
        replace(change, fields=(FieldChange("spec.url", "ws://a", f"ws://{number}"), other))
        for number, change in enumerate(several)
    ]
    (group,) = render.alike(varied, verbose=False)
    assert group.title == "1000 x backend: b0000, b0001, b0002, b0003, b0004 and 995 more"
    url, call_timeout = group.fields
    assert url.text == ", ".join(f"ws://a -> ws://{number}" for number in range(5)) + " and 995 more"
    assert call_timeout == render.FieldLine("~", "spec.callTimeout", "30s -> 10s")
    gone = replace(varied[0], fields=(FieldChange("spec.url", "ws://a"), other))
    assert [len(group.changes) for group in render.alike([*varied, gone, *several], verbose=False)] == [1000, 1, 1000]
    assert len(render.alike(varied, verbose=True)) == 1000


def test_verbose_names_every_one() -> None:
    assert len(render.alike(many(Action.CREATE, 2000), verbose=True)) == 2000


def test_coverage_says_where_and_where_not_and_why() -> None:
    coverage = Coverage("load-policy.cap", "governs", ("cp1",), (("partner owns smart-charging", ("cp2", "cp3")),))
    assert render.coverage_lines(coverage, verbose=False) == (
        "load-policy.cap governs 1 charger: cp1",
        "not 2 chargers, partner owns smart-charging: cp2, cp3",
    )
