"""Load policies and notification rules resolved and checked, and on which chargers they act."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from reconciler.model.desired import LOCAL, DesiredCharger
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.kinds import LoadPolicySpec, NotificationRuleSpec
from reconciler.model.kinds.contact import Contact
from reconciler.model.local_rules import (
    EVENT_FEATURES,
    RELAY_EVENTS,
    Coverage,
    LoadMember,
    LoadPolicy,
    NotificationRule,
)
from reconciler.model.notices import Recipient
from reconciler.model.site import Site
from reconciler.planning.declared import Declared
from reconciler.planning.findings import error, several, warning
from reconciler.planning.selection import Selection
from reconciler.planning.stations import Station

MAX_KW: Final = "max-kw"
PRIORITY: Final = "priority"
SMART_CHARGING: Final = "smart-charging"


def load_policies_of(
    declared: Declared, selection: Selection, stations: Mapping[str, Station]
) -> tuple[LoadPolicy, ...]:
    """Return the declared load policies by name, each with the chargers that it selects."""
    found = []
    for resource, spec in declared.of("load-policy", LoadPolicySpec):
        max_kw = spec.per_charger_max_kw or spec.limit_kw
        members = tuple(
            LoadMember(name, 1000 * (_number(labels, MAX_KW) or max_kw), int(_number(labels, PRIORITY) or 0))
            for name in selection.select(spec.chargers)
            if (labels := stations[name].labels) is not None
        )
        found.append(
            LoadPolicy(
                resource.address.name,
                members,
                1000 * spec.limit_kw,
                1000 * spec.per_charger_min_kw,
                spec.strategy == "priority",
                spec.not_governed,
                1000 * spec.reserve_kw,
                float(spec.stale_after),
                spec.voltage if spec.rate_unit == "A" else None,
            )
        )
    return tuple(sorted(found, key=lambda policy: policy.name))


def notification_rules_of(declared: Declared, selection: Selection) -> tuple[NotificationRule, ...]:
    """Return the declared notification rules by name, each with the chargers that it selects."""
    found = (
        NotificationRule(
            resource.address.name,
            frozenset(selection.select(spec.chargers)) if spec.chargers is not None else frozenset(),
            frozenset(spec.on),
            contacts_of(resource.address.name, spec.to),
            float(spec.after),
            spec.recovery,
            spec.at_most_per_hour,
        )
        for resource, spec in declared.of("notification-rule", NotificationRuleSpec)
    )
    return tuple(sorted(found, key=lambda rule: rule.name))


def contacts_of(name: str, contacts: Iterable[Contact]) -> tuple[Recipient, ...]:
    """Return contacts as recipients, each once; `name` is whose contacts they are."""
    found: dict[str, Recipient] = {}
    for contact in contacts:
        zone = contact.time_zone or ""
        if contact.email is not None:
            recipient = Recipient(name, "email", contact.email, zone=zone)
        elif contact.webhook is not None:
            secret = contact.webhook.secret
            recipient = Recipient(name, "webhook", contact.webhook.url, secret.ref if secret else None, zone)
        else:
            continue
        found.setdefault(recipient.key, recipient)
    return tuple(found.values())


def local_rule_findings(
    declared: Declared, selection: Selection, stations: Mapping[str, Station], chargers: Mapping[str, DesiredCharger]
) -> Iterator[Diagnostic]:
    """Yield what is wrong with load policies: two on one charger, labels that are no numbers, sums that can't be."""
    by_charger: dict[str, str] = {}
    for resource, spec in declared.of("load-policy", LoadPolicySpec):
        names = selection.select(spec.chargers)
        yield from _label_findings(names, stations)
        twice = [name for name in names if name in by_charger]
        if twice:
            yield error(
                resource,
                "spec.chargers",
                f"spec.chargers: {by_charger[twice[0]]} limits {several(twice)} already",
                "a charger is in one LoadPolicy: select different chargers",
            )
        by_charger |= dict.fromkeys(names, str(resource.address))
        if spec.reserve_kw + spec.per_charger_min_kw > spec.limit_kw:
            yield error(
                resource,
                "spec.limitKw",
                "spec.limitKw: less than reserveKw and perChargerMinKw together, so nobody could charge",
                "raise the limit, or lower one of the two",
            )
        unrated = [
            name
            for name in names
            if name in chargers
            and spec.per_charger_max_kw is None
            and MAX_KW not in stations[name].labels
            and chargers[name].owners.get(SMART_CHARGING) != LOCAL
        ]
        if unrated:
            yield warning(
                resource,
                "spec.chargers",
                f"local does not own smart-charging on {several(unrated)}, and what they are built for is not said:"
                " while they tell no power, the whole limit is left to each",
                "say so: perChargerMaxKw, or a label max-kw on the charger",
            )


def _label_findings(names: Iterable[str], stations: Mapping[str, Station]) -> Iterator[Diagnostic]:
    said: set[tuple[str, str]] = set()
    for name in names:
        resource, labels = stations[name].resource, stations[name].labels
        for label, what in ((MAX_KW, "a number above 0"), (PRIORITY, "a whole number")):
            number = _number(labels, label)
            wrong = number is None or (label == MAX_KW and number <= 0) or (label == PRIORITY and number % 1)
            if label in labels and wrong and (str(resource.address), label) not in said:
                said.add((str(resource.address), label))
                path = f"metadata.labels.{label}"
                summary = f"{path}: {labels[label]} is not {what}, which a LoadPolicy takes it for"
                yield error(resource, path, summary, f'for example {label}: "22"')


def coverage_of(site: Site, chargers: Mapping[str, DesiredCharger]) -> tuple[Coverage, ...]:
    """Return on which chargers each policy and each event of a rule acts; `chargers` as they are to run."""
    found = [
        _coverage(policy.address, "governs", [member.charger for member in policy.members], SMART_CHARGING, chargers)
        for policy in site.load_policies
    ]
    for rule in site.notification_rules:
        names = sorted(rule.chargers)
        features: dict[str, list[str]] = {}
        for event in sorted(rule.on - RELAY_EVENTS):
            features.setdefault(EVENT_FEATURES.get(event, ""), []).append(event)
        for feature, events in features.items():
            told = f"tells about {', '.join(events)}"
            if feature:
                found.append(_coverage(rule.address, f"{told} on", names, feature, chargers))
            else:
                found.append(Coverage(rule.address, f"{told} to or from local on", tuple(names)))
    return tuple(found)


def coverage_changes(
    before: Site, ran: Mapping[str, DesiredCharger], after: Site, runs: Mapping[str, DesiredCharger]
) -> tuple[Coverage, ...]:
    """Return the coverage of the policies and rules that act otherwise than before."""
    known = set(coverage_of(before, ran))
    return tuple(coverage for coverage in coverage_of(after, runs) if coverage not in known)


def _coverage(
    address: str, what: str, names: Sequence[str], feature: str, chargers: Mapping[str, DesiredCharger]
) -> Coverage:
    acts_on, elsewhere = [], dict[str, list[str]]()
    for name in names:
        owner = chargers[name].owners.get(feature, "nobody") if name in chargers else "nobody"
        if owner == LOCAL:
            acts_on.append(name)
        else:
            elsewhere.setdefault(f"{owner} owns {feature}", []).append(name)
    return Coverage(address, what, tuple(acts_on), tuple((why, tuple(found)) for why, found in elsewhere.items()))


def _number(labels: Mapping[str, str], label: str) -> float | None:
    try:
        number = float(labels[label])
    except (KeyError, ValueError):
        return None
    return number if abs(number) < 1e9 else None
