"""Specs: what is dumped reads back equal, every feature has one owner, and no input whatever crashes anything."""

import json
from datetime import datetime
from io import StringIO
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.spec_files import read_documents, write_documents
from reconciler.model.diagnostics import has_errors
from reconciler.model.documents import Document
from reconciler.model.durations import LONGEST_S, format_duration, parse_duration
from reconciler.model.features import FEATURE_SET, FEATURES, OCPP_VERSIONS
from reconciler.planning.documents import read_resources
from reconciler.planning.ownership import owners_of
from reconciler.planning.resolve import check, resolve
from tests.support.sites import EVERY_KIND, SMALL, documents

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,8}[a-z0-9])?", fullmatch=True)
TEXT = st.text(min_size=1, max_size=12)
LABELS = st.dictionaries(
    NAMES,
    st.text(st.characters(codec="utf-8", exclude_characters="=,", categories="LNPS"), min_size=1, max_size=9),
    max_size=3,
)
DURATIONS = st.integers(1, LONGEST_S).map(format_duration)
VERSIONS = st.lists(st.sampled_from(OCPP_VERSIONS), min_size=1, unique=True)
SECRETS = st.one_of(
    NAMES.map(lambda name: {"fromFile": f"{name}/{{identity}}"}), st.just({"fromEnv": "FWDCTL_SECRET_X"})
)
SELECTORS = st.one_of(
    st.lists(st.one_of(NAMES, st.just("cp-*")), min_size=1, max_size=3).map(lambda names: {"names": names}),
    LABELS.filter(bool).map(lambda labels: {"labels": labels}),
)
WINDOWS = st.one_of(
    st.fixed_dictionaries(
        {
            "cron": st.builds("{} {} * * {}".format, st.integers(0, 59), st.integers(0, 23), st.integers(0, 7)),
            "duration": DURATIONS,
            "timeZone": st.sampled_from(["UTC", "Europe/Rome", "America/St_Johns"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "start": st.datetimes(datetime(2000, 1, 1), datetime(2199, 1, 1)).map("{:%Y-%m-%dT%H:%M}Z".format),  # noqa: DTZ001
            "duration": DURATIONS,
        }
    ),
)
HANDOVERS = st.fixed_dictionaries(
    {}, optional={"chargingProfiles": st.sampled_from(["keep", "clear"]), "availability": st.just("restore")}
)
FLIPS = st.fixed_dictionaries(
    {},
    optional={
        "openTransaction": st.sampled_from(["proceed", "wait", "skip"]),
        "confirmWithin": DURATIONS,
        "handover": HANDOVERS,
    },
)
CONTACTS = st.one_of(
    st.just({"email": "noc@example.com"}),
    st.fixed_dictionaries({"url": st.just("https://example.com/x")}, optional={"secret": SECRETS}).map(
        lambda webhook: {"webhook": webhook}
    ),
)
IDENTITIES = st.text(st.characters(codec="utf-8", exclude_characters=":/\\", categories="LN"), min_size=1, max_size=9)
BOUND = st.fixed_dictionaries(
    {"backend": NAMES, "role": NAMES}, optional={"credentials": st.sampled_from(["own", "passthrough"])}
)

SPECS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "SecurityProfile": st.fixed_dictionaries(
        {"profile": st.integers(0, 3), "certificate": SECRETS},
        optional={
            "minTlsVersion": st.sampled_from(["1.2", "1.3"]),
            "password": SECRETS,
            "passwordEncoding": st.sampled_from(["plain", "hex"]),
            "trustedCa": SECRETS,
            "privateKey": SECRETS,
        },
    ),
    "Backend": st.fixed_dictionaries(
        {"url": st.just("wss://example.com/ocpp"), "versions": VERSIONS, "securityProfile": NAMES},
        optional={
            "contacts": st.lists(CONTACTS, max_size=2),
            "health": st.fixed_dictionaries({}, optional={"downAfter": DURATIONS, "upAfter": DURATIONS}),
            "callTimeout": DURATIONS,
            "halfDuplex": st.booleans(),
            "compression": st.sampled_from(["auto", "off"]),
        },
    ),
    "Charger": st.fixed_dictionaries(
        {"versions": VERSIONS, "securityProfile": NAMES},
        optional={
            "identity": IDENTITIES,
            "serialNumber": TEXT,
            "quirks": st.fixed_dictionaries(
                {}, optional={"pingInterval": DURATIONS, "compression": st.sampled_from(["auto", "off"])}
            ),
        },
    ),
    "SplitSystem": st.fixed_dictionaries(
        {
            "versions": VERSIONS,
            "securityProfile": NAMES,
            "dispensers": st.lists(
                st.fixed_dictionaries({}, optional={"identity": IDENTITIES, "serialNumber": TEXT}),
                min_size=1,
                max_size=4,
            ),
        },
        optional={"model": TEXT},
    ),
    "Role": st.fixed_dictionaries(
        {},
        optional={
            "owns": st.lists(st.sampled_from(("*", *FEATURES)), unique=True, max_size=5),
            "observes": st.lists(st.sampled_from(("*", *FEATURES)), unique=True, max_size=5),
            "mayRead": st.booleans(),
            "vendorMessages": st.lists(
                st.fixed_dictionaries({"vendorId": TEXT}, optional={"messageId": TEXT}), max_size=2
            ),
        },
    ),
    "BackendBinding": st.fixed_dictionaries(
        {
            "chargers": SELECTORS,
            "backends": st.lists(BOUND, min_size=1, max_size=3, unique_by=lambda one: one["backend"]),
        },
        optional={
            "priority": st.integers(-9, 9),
            "whenOwnerIsDown": st.sampled_from(["close", "buffer"]),
            "failover": st.fixed_dictionaries({"to": st.just("local")}, optional={"after": DURATIONS}),
            "flip": FLIPS,
        },
    ),
    "ScheduledOutage": st.fixed_dictionaries(
        {"chargers": SELECTORS, "window": WINDOWS, "roles": st.dictionaries(NAMES, NAMES, min_size=1, max_size=3)},
        optional={"flip": FLIPS, "reason": st.text(max_size=20)},
    ),
    "ChangeWindow": st.fixed_dictionaries(
        {"action": st.sampled_from(["allow", "deny"]), "chargers": SELECTORS, "window": WINDOWS}
    ),
    "NotificationRule": st.fixed_dictionaries(
        {
            "chargers": SELECTORS,
            "on": st.lists(st.sampled_from(["charger-offline", "flip"]), min_size=1, unique=True),
            "to": st.lists(CONTACTS, min_size=1, max_size=2),
        }
    ),
    "LoadPolicy": st.fixed_dictionaries(
        {"chargers": SELECTORS, "limitKw": st.floats(0.001, 1e6) | st.integers(1, 10**6)},
        optional={"strategy": st.sampled_from(["equal", "priority"])},
    ),
}
DOCUMENTS = st.sampled_from(sorted(SPECS)).flatmap(
    lambda kind: st.fixed_dictionaries(
        {
            "apiVersion": st.just("fwdctl/v1"),
            "kind": st.just(kind),
            "metadata": st.fixed_dictionaries({"name": NAMES.map("x-{}".format)}, optional={"labels": LABELS}),
            "spec": SPECS[kind],
        }
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(DOCUMENTS)
def test_what_is_dumped_reads_back_equal(content: dict[str, Any]) -> None:
    [resource], diagnostics = read_resources([Document(content)])
    assert not diagnostics
    read, unread = read_documents(["-"], StringIO(write_documents([resource.content])))
    assert not unread
    [again], diagnostics = read_resources(read)
    assert not diagnostics
    assert again == resource
    assert again.content == resource.content
    assert json.loads(json.dumps(resource.content)) == resource.content


@given(st.lists(DOCUMENTS, max_size=6))
def test_any_valid_documents_resolve_to_a_site_or_to_findings(contents: list[dict[str, Any]]) -> None:
    site, diagnostics = check([Document(content) for content in contents])
    if not has_errors(diagnostics):
        assert site.chargers.keys() == site.declared_by.keys()
        assert all(charger.owners.keys() == FEATURE_SET for charger in site.chargers.values())


@given(st.lists(st.sampled_from(("*", *FEATURES, "nothing")).map(lambda owned: [owned]), min_size=1, max_size=6))
def test_each_feature_has_exactly_one_owner_or_the_site_has_an_error(owned: list[list[str]]) -> None:
    base = [dict(document.content) for document in documents(SMALL)[0]]
    profile, charger = base[0], base[3]
    roles, backends, bound = [], [], []
    for index, owns in enumerate(owned):
        spec = {"owns": [feature for feature in owns if feature != "nothing"]}
        roles.append({**profile, "kind": "Role", "metadata": {"name": f"r{index}"}, "spec": spec})
        backends.append({**base[1], "metadata": {"name": f"b{index}"}})
        bound.append({"backend": f"b{index}", "role": f"r{index}"})
    binding = {**base[4], "spec": {"chargers": {"names": ["cp1"]}, "backends": bound}}
    read, diagnostics = read_resources([Document(one) for one in [profile, charger, *roles, *backends, binding]])
    assert not diagnostics
    site, diagnostics = resolve(read)
    owners = site.chargers["cp1"].owners
    assert has_errors(diagnostics) is (owners.keys() != FEATURE_SET)
    assert set(owners.values()) <= {leg.backend.name for leg in site.chargers["cp1"].legs}
    assert owners == owners_of(site.chargers["cp1"].legs)


@given(st.text())
def test_no_text_crashes_the_reader(text: str) -> None:
    read, diagnostics = read_documents(["-"], StringIO(text))
    _, findings = check(read, diagnostics)
    assert has_errors(findings)
    assert all(finding.summary and finding.position and finding.hint for finding in findings)


@given(st.text("a:-[]{}&*!|>'\"%@`#,? \n\t0"))
def test_no_yaml_punctuation_crashes_the_reader(text: str) -> None:
    read, diagnostics = read_documents(["-"], StringIO(text))
    assert read or diagnostics


@given(st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "spec"]) | st.text(max_size=5), JSON))
def test_no_json_crashes_the_models(content: dict[str, Any]) -> None:
    resources, findings = read_resources([Document(content)])
    assert not resources
    assert findings
    assert all(finding.summary and finding.hint for finding in findings)


VALID = [document.content for document in documents(EVERY_KIND)[0]]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(VALID) - 1), st.data(), JSON)
def test_no_field_of_a_valid_site_crashes_anything_whatever_it_holds(
    index: int, data: st.DataObject, wild: Any
) -> None:
    contents = json.loads(json.dumps(VALID))
    target: Any = contents[index]
    while True:
        keys = sorted(target) if isinstance(target, dict) else list(range(len(target)))
        key = data.draw(st.sampled_from(keys))
        inner = target[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            target[key] = wild
            break
        target = inner
    _, findings = check([Document(content) for content in contents])
    assert all(finding.summary and finding.hint for finding in findings)


@given(st.integers(0, LONGEST_S))
def test_durations_read_back_as_they_were_written(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
