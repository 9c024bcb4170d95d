"""Render text: the plan that people read."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.live import LiveCharger, LiveTransaction
from reconciler.model.plan import Absent, Block, Pending, Plan
from reconciler.planning.planner import Moment, make_plan
from reconciler.planning.render_markdown import render_markdown
from reconciler.planning.render_text import Line, render_text
from tests.support.clock import EPOCH
from tests.support.specs import a_site, applied, resources, without

EMPTY = Plan("p1", EPOCH, 0)
LIVE = {f"cp{number:03}": LiveCharger(f"cp{number:03}", True, 0, "ocpp1.6") for number in range(9)}
LIVE["cp000"] = replace(LIVE["cp000"], transactions=(LiveTransaction("1", "partner", 0),))


def a_flip() -> Plan:
    before = applied(a_site(10, {"partner": "primary", "grid": "passive"}))
    after = without(a_site(11, {"partner": "passive", "grid": "primary"}), "cp001")
    return make_plan(before, resources(after), Moment(EPOCH, LIVE), plan_id="p1")


def text(plan: Plan, *, verbose: bool = False) -> str:
    return "\n".join(line.text for line in render_text(plan, verbose=verbose))


def test_an_empty_plan_is_one_line() -> None:
    assert render_text(EMPTY) == (Line("No changes. What is applied matches the specs.", "heading"),)


def test_a_plan_reads_like_terraforms() -> None:
    assert (
        text(a_flip())
        == """\
fwdctl will do the following:
  + create
  ~ update
  - delete

  + charger.cp010      site.yaml:1
  ~ backend-binding.a  site.yaml:4
      ~ spec.backends[partner].role: primary -> passive
      ~ spec.backends[grid].role: passive -> primary
  - charger.cp001

Effects on chargers:
  disconnect: 1 charger
      every feature: partner -> nobody
      no longer declared: its connection is closed
      cp001
  live flip: 9 chargers (1 with an open transaction; 1 offline, at the next connection)
      every feature: partner -> grid
      partner: primary -> passive
      grid: passive -> primary
      cp000, cp002, cp003, cp004, cp005 and 3 more
      offline: cp009
  none: 1 charger (1 offline, at the next connection)
      every feature: nobody -> grid
      newly declared
      offline: cp010

Plan: 1 to add, 1 to change, 1 to destroy.
Effects: 8 flipped live, 1 disconnected, 2 deferred."""
    )


def test_the_legend_has_only_what_occurs() -> None:
    after = a_site(1)
    plan = make_plan(applied(a_site(1)), resources([*after, *a_site(2)[4:5]]), Moment(EPOCH), plan_id="p1")
    assert "  + create" in text(plan)
    assert "~ update" not in text(plan)
    assert "- delete" not in text(plan)


def test_verbose_names_every_charger_and_every_field() -> None:
    whole = text(a_flip(), verbose=True)
    assert "cp000, cp002, cp003, cp004, cp005, cp006, cp007, cp008" in whole
    assert "      + spec.securityProfile: open" in whole
    assert "      - metadata.labels.site: a" in whole


def test_every_line_has_the_style_of_what_it_says() -> None:
    styles = {line.text.strip(): line.style for line in render_text(a_flip())}
    assert styles["+ charger.cp010      site.yaml:1"] == "add"
    assert styles["~ spec.backends[grid].role: passive -> primary"] == "change"
    assert styles["- charger.cp001"] == "destroy"
    assert styles["offline: cp009"] == "quiet"


def test_warnings_blocks_and_what_lags_behind_are_told_with_the_way_out() -> None:
    plan = replace(
        EMPTY,
        warnings=(Diagnostic(Severity.WARNING, "odd", position=Position("a.yaml", 3, 1), hint="do this"),),
        blocked=(Block("change-window", "nights only", "--override-window", EPOCH + timedelta(hours=1)),),
        pending=(Pending("cp001", "grid rejects"), Pending("cp002", "grid rejects")),
        absent=Absent(7, tuple(f"cp{number:03}" for number in range(3, 10))),
    )
    assert (
        text(plan)
        == """\
Already applied, and not yet reached:
  cp001, cp002: grid rejects
  cp003, cp004, cp005, cp006, cp007 and 2 more: offline, at their next connection

warning: a.yaml:3: odd
  hint: do this

blocked (change-window): nights only; eligible at 2026-12-01 03:00 UTC
  hint: --override-window allows it

No changes. What is applied matches the specs."""
    )


def test_of_very_many_warnings_the_first_are_told_unless_all_are_asked_for() -> None:
    plan = replace(EMPTY, warnings=tuple(Diagnostic(Severity.WARNING, f"odd {number}") for number in range(900)))
    assert "warning: odd 19\nand 880 more warnings; --verbose has all\n" in text(plan)
    assert "warning: odd 899" in text(plan, verbose=True)
    assert "880 more" in render_markdown(plan)


def test_chargers_that_come_later_are_named_as_far_as_they_are_known() -> None:
    first = tuple(f"cp{number:03}" for number in range(100))
    assert "cp099 and 9900 more: offline, at their next connection" in text(
        replace(EMPTY, absent=Absent(10_000, first)), verbose=True
    )
    assert "  cp000: offline, at its next connection" in text(replace(EMPTY, absent=Absent(1, first[:1])))
