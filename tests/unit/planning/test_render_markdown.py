"""Render Markdown: the plan in a pull request."""

from msgspec.structs import replace

from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.live import LiveCharger
from reconciler.model.local_rules import Coverage
from reconciler.model.plan import Absent, Action, Block, Disruption, Effect, FieldChange, Pending, Plan, ResourceChange
from reconciler.planning.planner import Moment, make_plan
from reconciler.planning.render_markdown import CHANGES_MAX, MARKER, render_markdown
from tests.support.clock import EPOCH
from tests.support.specs import a_site, applied, resources

EMPTY = Plan("p1", EPOCH, 0)


def test_an_empty_plan_is_a_marker_and_a_headline() -> None:
    assert render_markdown(EMPTY) == f"{MARKER}\n### No changes. What is applied matches the specs.\n"


def test_a_plan_is_a_table_of_effects_and_a_folded_diff() -> None:
    before = applied(a_site(1, {"partner": "primary", "grid": "passive"}))
    wanted = resources(a_site(2, {"partner": "passive", "grid": "primary"}))
    live = {"cp000": LiveCharger("cp000", True, 0, "ocpp1.6")}
    what = "every feature: partner -> grid<br>partner: primary -> passive<br>grid: passive -> primary"
    assert (
        render_markdown(make_plan(before, wanted, Moment(EPOCH, live), plan_id="p1"))
        == f"""\
{MARKER}
### Plan: 1 to add, 1 to change, 0 to destroy.

Effects: 1 flipped live, 1 deferred.

| effect | chargers | what | which |
|---|---|---|---|
| live flip | 1 charger | {what} | cp000 |
| none | 1 charger (1 offline, at the next connection) | every feature: nobody -> grid<br>newly declared | cp001 |

<details><summary>Resources</summary>

```diff
+ charger.cp001  (site.yaml:1)
! backend-binding.a  (site.yaml:4)
!     spec.backends[partner].role: primary -> passive
!     spec.backends[grid].role: passive -> primary
```

</details>
"""
    )


def test_what_stands_in_the_way_comes_first() -> None:
    plan = replace(
        EMPTY,
        warnings=(Diagnostic(Severity.WARNING, "odd"),),
        blocked=(Block("change-window", "nights only", "--override-window", EPOCH),),
        pending=(Pending("cp001", "grid rejects"),),
    )
    text = render_markdown(plan)
    blocked = (
        "> **Blocked** (change-window): nights only. Eligible at 2026-12-01 02:00 UTC. `--override-window` allows it."
    )
    assert text.index(blocked) < text.index("> **Warning**: odd") < text.index("- cp001: grid rejects")


def test_chargers_that_lag_behind_alike_are_one_line() -> None:
    pending = tuple(Pending(f"cp{number:03}", "grid rejects") for number in range(900))
    warning = Diagnostic(Severity.WARNING, "odd", position=Position("a.yaml", 3, 1))
    text = render_markdown(replace(EMPTY, pending=pending, absent=Absent(1, ("cp900",)), warnings=(warning,)))
    assert "- cp000, cp001, cp002, cp003, cp004 and 895 more: grid rejects\n- cp900: offline, at its next" in text
    assert text.count("\n- ") == 2
    assert "> **Warning**: a.yaml:3: odd" in text


def test_values_cannot_break_out_of_the_table_or_the_fence() -> None:
    field = FieldChange("spec.reason", None, "```\n| <b>")
    change = ResourceChange("scheduled-outage.x", Action.UPDATE, {}, {}, (field,))
    effect = Effect(Disruption.NONE, notes=("a | b\nc <script> `d`",), chargers=("cp001",))
    text = render_markdown(replace(EMPTY, resource_changes=(change,), effects=(effect,)))
    assert "a \\| b c &lt;script> 'd'" in text
    assert text.count("```") == 2
    assert "\n| <b>" not in text


def test_a_very_long_plan_is_cut_and_says_so() -> None:
    changes = tuple(
        ResourceChange(
            f"charger.cp{number}", Action.UPDATE, {}, {}, (FieldChange(f"metadata.labels.l{number}", "x", "y"),)
        )
        for number in range(CHANGES_MAX + 7)
    )
    text = render_markdown(replace(EMPTY, resource_changes=changes))
    assert "# and 7 more" in text
    assert text.count("! charger.") == CHANGES_MAX


def test_where_local_acts_is_a_list() -> None:
    coverage = Coverage("load-policy.cap", "governs", ("cp1",), (("partner owns smart-charging", ("cp2",)),))
    text = render_markdown(replace(EMPTY, coverage=(coverage,)))
    assert "\n- load-policy.cap governs 1 charger: cp1; not 1 charger, partner owns smart-charging: cp2\n" in text
