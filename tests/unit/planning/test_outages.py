"""Scheduled outages: each fits its chargers, and no two pull one charger two ways."""

import pytest

from reconciler.model.diagnostics import Position, Severity
from tests.support.sites import SMALL, checked, place_of, valid_site

NIGHT = '{cron: "0 2 * * *", duration: 2h, timeZone: Europe/Rome}'


def outage(name: str, window: str, roles: str, chargers: str = "{names: [cp1]}") -> str:
    return (
        f"apiVersion: fwdctl/v1\nkind: ScheduledOutage\nmetadata: {{name: {name}}}\n"
        f"spec:\n  chargers: {chargers}\n  window: {window}\n  roles: {roles}\n"
    )


MISFITS = [
    (
        "{partner: passive}",
        "spec.roles: on cp1, every feature has no owner",
        'give one back-end the role primary, or a role that owns it by name or through "*"',
    ),
    (
        "{local: primary}",
        "spec.roles: on cp1, every feature has 2 owners: partner and local",
        "give all but one of them a role that does not own it, for example passive",
    ),
    (
        "{partner: passive, modern: primary}",
        "spec.roles: on cp1, modern (primary) speaks ocpp2.1, but the charger only ocpp1.6",
        "owners must speak a version that the charger speaks; give this back-end a role that owns nothing",
    ),
]
MODERN = """\
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: modern}
spec: {url: wss://modern.example, versions: [ocpp2.1], securityProfile: open}
"""


@pytest.mark.parametrize(("roles", "summary", "hint"), MISFITS, ids=[rule[0] for rule in MISFITS])
def test_an_outage_leaves_each_feature_one_owner(roles: str, summary: str, hint: str) -> None:
    text = SMALL + "---\n" + MODERN + "---\n" + outage("o", NIGHT, roles)
    _, [finding] = checked(text)
    assert (finding.address, finding.summary, finding.hint) == ("scheduled-outage.o", summary, hint)
    assert finding.position == Position("-", *place_of(text, "roles:"))


def test_an_outage_may_use_a_back_end_that_is_bound_nowhere() -> None:
    assert valid_site(SMALL, outage("o", NIGHT, "{partner: passive, grid: primary}"))


def test_who_is_to_be_told_and_has_no_contact_is_said() -> None:
    text = (
        SMALL
        + "---\n"
        + outage("o", NIGHT, "{partner: passive, grid: primary}")
        + "  notice: {before: [1h], to: [partner]}\n"
    )
    _, [finding] = checked(text)
    assert finding.severity is Severity.WARNING
    assert finding.summary == "spec.notice.to.0: partner has no contacts, so nobody is told"
    assert finding.hint == "add spec.contacts to backend.partner: an email or a webhook"
    assert finding.position == Position("-", *place_of(text, "partner]"))


def test_a_faulty_binding_does_not_make_its_outages_faulty() -> None:
    _, findings = checked(
        SMALL.replace("role: primary", "role: passive"), outage("o", NIGHT, "{partner: standby, grid: passive}")
    )
    assert [finding.address for finding in findings] == ["backend-binding.a"]


TO_LOCAL, TO_GRID = "{partner: passive, local: primary}", "{partner: passive, grid: primary}"
STANDBY = "{partner: standby, local: primary}"
DAILY_AT_4 = '{cron: "0 4 * * *", duration: 1h, timeZone: Europe/Rome}'
WEEKLY = '{cron: "30 3 * * sun", duration: 1h, timeZone: Europe/Rome}'
ONCE = "{start: 2026-12-01T03:00, duration: 1h, timeZone: Europe/Rome}"
ONCE_BEFORE = "{start: 2026-12-01T01:00, duration: 1h, timeZone: Europe/Rome}"
ONCE_LATER = "{start: 2026-12-01T03:59, duration: 1h, timeZone: Europe/Rome}"


@pytest.mark.parametrize(
    ("first", "second", "roles", "example", "reason"),
    [
        (NIGHT, NIGHT, STANDBY, "2028-01-01T01:00Z", "partner would be passive and standby"),
        (NIGHT, WEEKLY, STANDBY, "2028-01-02T02:30Z", "partner would be passive and standby"),
        (NIGHT, ONCE, STANDBY, "2026-12-01T02:00Z", "partner would be passive and standby"),
        (ONCE, NIGHT, STANDBY, "2026-12-01T02:00Z", "partner would be passive and standby"),
        (ONCE, ONCE_LATER, STANDBY, "2026-12-01T02:59Z", "partner would be passive and standby"),
        (NIGHT, NIGHT, TO_GRID, "2028-01-01T01:00Z", "every feature has 2 owners: local and grid"),
        # clocks go forward over 02:00, so this night the first lasts until 05:00
        (NIGHT, DAILY_AT_4, STANDBY, "2028-03-26T02:00Z", "partner would be passive and standby"),
    ],
)
def test_two_that_overlap_and_disagree_are_an_error(
    first: str, second: str, roles: str, example: str, reason: str
) -> None:
    text = SMALL + "---\n" + outage("a", first, TO_LOCAL) + "---\n" + outage("b", second, roles)
    _, [finding] = checked(text)
    assert finding.summary == (
        f"spec.window: overlaps scheduled-outage.a on cp1, for example at {example}, and they disagree: {reason}"
    )
    assert finding.address == "scheduled-outage.b"
    start = text.index("metadata: {name: b}")
    line, column = place_of(text[start:], "window")
    assert finding.position == Position("-", text.count("\n", 0, start) + line, column)
    assert finding.hint.startswith("move one of the two, or give both the same roles; the other is at -:")


@pytest.mark.parametrize(
    ("first", "second", "roles"),
    [
        (NIGHT, NIGHT, TO_LOCAL),
        (NIGHT, WEEKLY, "{local: primary, partner: passive, grid: passive}"),
        (NIGHT, ONCE_BEFORE, STANDBY),
        (ONCE_BEFORE, "{start: 2026-12-01T02:00, duration: 1h, timeZone: Europe/Rome}", STANDBY),
        (NIGHT, '{cron: "0 5 * * *", duration: 1h, timeZone: Europe/Rome}', STANDBY),
        (
            '{cron: "0 1 * * *", duration: 1h, timeZone: UTC}',
            '{cron: "0 2 * * *", duration: 1h, timeZone: UTC}',
            STANDBY,
        ),
    ],
)
def test_two_that_agree_or_never_meet_are_fine(first: str, second: str, roles: str) -> None:
    assert valid_site(SMALL, outage("a", first, TO_LOCAL), outage("b", second, roles))


def test_two_on_different_chargers_do_not_meet() -> None:
    other = SMALL[SMALL.index("apiVersion: fwdctl/v1\nkind: Charger") :].split("---")[0].replace("cp1", "cp2")
    assert valid_site(SMALL, other, outage("a", NIGHT, TO_LOCAL), outage("b", NIGHT, TO_GRID, "{names: [cp2]}"))
