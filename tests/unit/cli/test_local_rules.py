"""What status says of load policies and notification rules."""

from typing import Any

import pytest

from reconciler.cli.local_rules import charger_line, policy_lines, print_policies, rule_lines

LOAD: dict[str, Any] = {
    "charger": "cp1",
    "governed": True,
    "why_not": None,
    "active": True,
    "measured_kw": 7.4,
    "limit_kw": 11.0,
    "counted_kw": 11.0,
    "max_kw": 22.0,
    "problem": None,
}
THEIRS = {**LOAD, "charger": "cp2", "governed": False, "why_not": "partner owns smart-charging", "limit_kw": None}
POLICY: dict[str, Any] = {
    "name": "cap",
    "limit_kw": 30.0,
    "reserve_kw": 2.0,
    "counted_kw": 33.0,
    "measured_kw": 14.8,
    "kept": False,
    "chargers": [LOAD, THEIRS],
}
RULE: dict[str, Any] = {
    "name": "faults",
    "last_hour": {"sent": 3, "pending": 0, "held": 2},
    "not_sent": [{"event": "connector-faulted", "owner": "partner-pay", "count": 12, "last_at": "x"}],
    "undelivered": [{"subject": "cp1 is offline", "recipient": "a@b", "status": "pending", "error": "no answer"}],
}


def test_a_policy_says_its_sum_and_who_is_not_governed_and_why() -> None:
    assert list(policy_lines(POLICY)) == [
        "Load policy cap: 14.8 kW drawn, 33.0 of 30 kW may be drawn, 2 kW kept free, MORE THAN ITS LIMIT;"
        " 1 of 2 governed.",
        "  1 not governed: partner owns smart-charging",
    ]


def test_a_charger_says_its_limit_or_why_it_has_none() -> None:
    assert charger_line("cap", LOAD) == "load policy cap: limit 11 kW, draws 7.4 kW, counts 11.0 kW"
    assert charger_line("cap", {**THEIRS, "measured_kw": None, "problem": "no fresh meter value"}) == (
        "load policy cap: no limit, draws -, counts 11.0 kW, not governed: partner owns smart-charging"
        " (no fresh meter value)"
    )


def test_an_address_chooses_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_policies([POLICY], "charger.cp2")
    assert capsys.readouterr().out.startswith("  load policy cap: no limit")
    print_policies([POLICY], "backend.partner")
    assert capsys.readouterr().out == ""
    print_policies([POLICY], "load-policy.cap")
    assert "no: partner owns smart-charging" in capsys.readouterr().out


def test_a_rule_says_what_was_sent_and_what_was_not_and_why() -> None:
    assert list(rule_lines(RULE)) == [
        "Notification rule faults: 3 sent, 2 held in the last hour.",
        "  12 not sent: partner-pay is in charge (connector-faulted, last x)",
        "  not delivered (pending): cp1 is offline to a@b: no answer",
    ]
