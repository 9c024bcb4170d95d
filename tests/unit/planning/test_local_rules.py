"""Load policies and notification rules: resolved, checked, and where they act."""

from msgspec.structs import replace

from reconciler.model.desired import LOCAL
from reconciler.model.diagnostics import Severity
from reconciler.model.local_rules import Coverage, LoadMember
from reconciler.model.notices import Recipient
from reconciler.planning.local_rules import coverage_changes, coverage_of
from tests.support.sites import SMALL, checked, said, valid_site

SECOND = """\
apiVersion: fwdctl/v1
kind: Charger
metadata: {name: cp2, labels: {site: a, priority: "5", max-kw: "11.5"}}
spec: {versions: [ocpp1.6], securityProfile: open}
"""
CAP = """\
apiVersion: fwdctl/v1
kind: LoadPolicy
metadata: {name: cap}
spec: {chargers: {labels: {site: a}}, limitKw: 100, perChargerMinKw: 6, perChargerMaxKw: 22, strategy: priority}
"""
FAULTS = """\
apiVersion: fwdctl/v1
kind: NotificationRule
metadata: {name: faults}
spec:
  chargers: {names: [cp1]}
  on: [connector-faulted, charger-offline, flip]
  to: [{email: ops@depot.example}, {email: ops@depot.example}, {webhook: {url: "https://depot.example/hook"}}]
  after: 30s
"""


def test_members_know_what_they_are_built_for_and_their_priority() -> None:
    (policy,) = valid_site(SMALL, SECOND, CAP).load_policies
    assert policy.members == (LoadMember("cp1", 22_000.0), LoadMember("cp2", 11_500.0, 5))
    assert (policy.limit_w, policy.min_w, policy.by_priority, policy.stale_s) == (100_000.0, 6_000.0, True, 180.0)
    assert policy.amperes_at_v is None


def test_without_a_rating_the_worst_is_the_limit_and_that_is_said() -> None:
    unrated = CAP.replace("perChargerMaxKw: 22, ", "").replace("strategy", "rateUnit: A, strategy")
    site, findings = checked(SMALL, SECOND, unrated)
    assert site.load_policies[0].members[0].rated_w == 100_000.0
    assert site.load_policies[0].amperes_at_v == 230
    assert [(finding.severity, finding.summary.partition(",")[0]) for finding in findings] == [
        (Severity.WARNING, "local does not own smart-charging on cp1")
    ]


def test_a_charger_is_in_one_policy() -> None:
    second = CAP.replace("name: cap", "name: other")
    assert said(checked(SMALL, SECOND, CAP, second)[1]) == [
        (
            "spec.chargers: load-policy.cap limits cp1 and cp2 already",
            "a charger is in one LoadPolicy: select different chargers",
        )
    ]


def test_labels_that_are_no_numbers_are_refused_where_a_policy_reads_them() -> None:
    wrong = SECOND.replace('"5"', '"1.5"').replace('"11.5"', "fast")
    assert [summary for summary, _ in said(checked(SMALL, wrong, CAP)[1])] == [
        "metadata.labels.max-kw: fast is not a number above 0, which a LoadPolicy takes it for",
        "metadata.labels.priority: 1.5 is not a whole number, which a LoadPolicy takes it for",
    ]
    assert not checked(SMALL, wrong)[1]


def test_a_limit_that_lets_nobody_charge_is_refused() -> None:
    assert said(checked(SMALL, SECOND, CAP.replace("strategy", "reserveKw: 95, strategy"))[1]) == [
        (
            "spec.limitKw: less than reserveKw and perChargerMinKw together, so nobody could charge",
            "raise the limit, or lower one of the two",
        )
    ]


def test_a_rule_of_the_relay_alone_selects_no_charger_and_is_on_none() -> None:
    watch = FAULTS.replace("  chargers: {names: [cp1]}\n", "")
    watch = watch.replace("[connector-faulted, charger-offline, flip]", "[relay-security-event]")
    site = valid_site(SMALL, watch)
    assert site.notification_rules[0].chargers == frozenset()
    assert coverage_of(site, site.chargers) == ()
    both = FAULTS.replace("flip]", "relay-security-event]")
    site = valid_site(SMALL, both)
    told = "tells about charger-offline, connector-faulted on"
    assert [(one.what, one.acts_on) for one in coverage_of(site, site.chargers)] == [(told, ())]


def test_a_rule_has_each_recipient_once() -> None:
    (rule,) = valid_site(SMALL, FAULTS).notification_rules
    assert rule.to == (
        Recipient("faults", "email", "ops@depot.example"),
        Recipient("faults", "webhook", "https://depot.example/hook"),
    )
    assert (rule.after_s, rule.recovery, rule.at_most_per_hour) == (30.0, True, 20)


def test_it_acts_where_local_owns_the_feature_and_says_where_not_and_why() -> None:
    site = valid_site(SMALL, SECOND, CAP, FAULTS)
    ours = replace(site.chargers["cp2"], owners={**site.chargers["cp2"].owners, "smart-charging": LOCAL})
    chargers = {**site.chargers, "cp2": ours}
    assert coverage_of(site, chargers) == (
        Coverage("load-policy.cap", "governs", ("cp2",), (("partner owns smart-charging", ("cp1",)),)),
        Coverage(
            "notification-rule.faults",
            "tells about charger-offline, connector-faulted on",
            (),
            (("partner owns availability", ("cp1",)),),
        ),
        Coverage("notification-rule.faults", "tells about flip to or from local on", ("cp1",)),
    )


def test_a_plan_shows_what_acts_otherwise_than_before() -> None:
    site = valid_site(SMALL, SECOND, CAP)
    ours = replace(site.chargers["cp2"], owners={**site.chargers["cp2"].owners, "smart-charging": LOCAL})
    after = {**site.chargers, "cp2": ours}
    assert coverage_changes(site, site.chargers, site, site.chargers) == ()
    assert [found.acts_on for found in coverage_changes(site, site.chargers, site, after)] == [("cp2",)]
    assert len(coverage_changes(valid_site(SMALL), {}, site, after)) == 1
