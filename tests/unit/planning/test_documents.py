"""Documents checked one by one: everything wrong at once, each with its place, address and hint."""

import pytest

from reconciler.model.diagnostics import Position
from reconciler.model.documents import Document
from reconciler.planning.documents import read_resources, stored_resources
from tests.support.sites import EVERY_KIND, documents, place_of, resources

CHARGER = """\
apiVersion: fwdctl/v1
kind: Charger
metadata: {name: cp1}
spec:
  versions: [ocpp1.6]
  securityProfile: open
"""

RULES = [
    # what is written instead of what, the place of which text, summary, hint
    ("kind: Charger", "kind: Chargr", "kind: Chargr", "kind: there is no kind Chargr", "did you mean Charger?"),
    ("kind: Charger", "kind: [Charger]", "kind: [", "kind: there is no kind ['Charger']", "did you mean Charger?"),
    (
        "fwdctl/v1",
        "fwdctl/v2",
        "apiVersion",
        'apiVersion: must be fwdctl/v1, not the text "fwdctl/v2"',
        "use fwdctl/v1",
    ),
    ("apiVersion: fwdctl/v1\n", "", "kind", "the document needs apiVersion", "begin it with apiVersion: fwdctl/v1"),
    ("kind: Charger\n", "", "apiVersion", "the document needs kind", "one of SecurityProfile, Backend, Role,"),
    ("metadata: {name: cp1}\n", "", "apiVersion", "the document needs metadata", "add metadata: {name: ...}"),
    ("metadata: {name: cp1}", "metadata: {}", "metadata", "metadata: needs name", "name: Lower-case letters"),
    ("metadata: {name: cp1}", "metadata: cp1", "metadata", 'metadata: must be a mapping, not the text "cp1"', ""),
    ("spec:", "status: x\nspec:", "status", "unknown field status", "use one of: apiVersion, kind, metadata, spec"),
    ("spec:\n", "sepc:\n", "sepc", "unknown field sepc", "did you mean spec?"),
    ("  securityProfile: open", "  securityProfile:", "securityProfile", "spec.securityProfile: is empty", "give it"),
    (
        "  versions: [ocpp1.6]",
        "  version: [ocpp1.6]",
        "version:",
        "spec: unknown field version",
        "did you mean versions?",
    ),
    (
        "[ocpp1.6]",
        "[ocpp1.6, 1.6]",
        "1.6]\n  s",
        "spec.versions.1: must be ocpp2.1, ocpp2.0.1 or ocpp1.6",
        "use ocpp2.1",
    ),
    ("  versions: [ocpp1.6]\n", "", "spec:", "spec: needs versions", "versions: What it speaks."),
]


@pytest.mark.parametrize(("good", "bad", "at", "summary", "hint"), RULES, ids=[rule[3][:40] for rule in RULES])
def test_a_fault_is_told_with_its_place_and_a_hint(good: str, bad: str, at: str, summary: str, hint: str) -> None:
    assert good in CHARGER
    text = CHARGER.replace(good, bad)
    read, unread = documents(text)
    assert not unread
    found, diagnostics = read_resources(read)
    assert not found
    finding = next(finding for finding in diagnostics if finding.summary.startswith(summary))
    assert finding.position == Position("-", *place_of(text, at))
    assert finding.hint.startswith(hint)


def test_findings_carry_the_address_as_soon_as_there_is_one() -> None:
    _, diagnostics = read_resources(documents(CHARGER.replace("versions", "vers"))[0])
    assert {finding.address for finding in diagnostics} == {"charger.cp1"}


def test_everything_wrong_is_told_at_once() -> None:
    text = CHARGER.replace("[ocpp1.6]", "[1.6]").replace("open", "5") + "  identity: a/b\n  foo: 1\n---\nkind: X\n"
    _, diagnostics = read_resources(documents(text)[0])
    assert len(diagnostics) == 8


def test_an_address_declared_twice_is_refused_at_the_second_place() -> None:
    found, [finding] = read_resources(documents(CHARGER + "---\n" + CHARGER)[0])
    assert len(found) == 1
    assert finding.summary == "charger.cp1 is declared twice"
    assert finding.position == Position("-", 10, 12)
    assert finding.address == "charger.cp1"
    assert finding.hint == "it is declared at -:3:12; rename one of the two"


def test_one_name_may_be_used_by_two_kinds() -> None:
    text = CHARGER + "---\n" + CHARGER.replace("Charger", "SplitSystem") + "  dispensers: [{}]\n"
    assert len(resources(text)) == 2


def test_content_is_canonical_without_defaults_and_reads_back_equal() -> None:
    for resource in resources(EVERY_KIND):
        [again] = read_resources([Document(resource.content, file="")])[0]
        assert again == resource
        assert again.content == resource.content
    [charger] = resources(CHARGER + "  quirks: {compression: auto}\n")
    assert charger.content == {
        "apiVersion": "fwdctl/v1",
        "kind": "Charger",
        "metadata": {"name": "cp1"},
        "spec": {"versions": ["ocpp1.6"], "securityProfile": "open"},
    }


def test_what_says_the_same_as_what_is_applied_is_that_with_its_own_place() -> None:
    applied = {str(resource.address): resource for resource in resources(EVERY_KIND)}
    written = [Document(resource.content, "new.yaml", {"": (7, 1)}) for resource in applied.values()]
    found, diagnostics = read_resources(written, applied)
    assert not diagnostics
    assert [resource.spec for resource in found] == [resource.spec for resource in applied.values()]
    assert all(one.spec is applied[str(one.address)].spec for one in found)  # so it was not read again
    assert all(one.position("spec") == Position("new.yaml", 7, 1) for one in found)


@pytest.mark.parametrize("profile", [False, 0.0])
def test_what_only_equals_what_is_applied_is_checked(profile: object) -> None:
    text = "apiVersion: fwdctl/v1\nkind: SecurityProfile\nmetadata: {name: open}\nspec: {profile: 0}\n"
    [applied] = resources(text)
    content = {**applied.content, "spec": {"profile": profile}}
    assert content == applied.content
    found, diagnostics = read_resources([Document(content)], {"security-profile.open": applied})
    assert read_resources([Document(content)]) == (found, diagnostics)
    assert not found or found[0].spec is not applied.spec


def test_what_is_applied_and_declared_twice_is_refused() -> None:
    applied = {str(resource.address): resource for resource in resources(CHARGER)}
    found, [finding] = read_resources(documents(CHARGER + "---\n" + CHARGER)[0], applied)
    assert len(found) == 1
    assert finding.summary == "charger.cp1 is declared twice"


def test_where_it_is_written_does_not_count() -> None:
    assert resources(CHARGER) == resources("\n\n" + CHARGER)


def test_a_resource_from_the_store_has_no_place() -> None:
    [resource] = read_resources([Document(resources(CHARGER)[0].content, file="")])[0]
    assert resource.position("spec") is None
    _, [finding] = read_resources([Document({**resource.content, "spec": {}, "kind": "Role", "x": 1}, file="")])
    assert finding.position is None


def test_what_is_stored_is_read_as_it_was_written() -> None:
    written = resources(EVERY_KIND)
    read, findings = stored_resources([resource.content for resource in written])
    assert not findings
    assert read == written
    assert [resource.content for resource in read] == [resource.content for resource in written]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec", {"versions": ["ocpp1.6"]}),
        ("kind", "Chargr"),
        ("kind", ["Charger"]),
        ("metadata", {"name": "-"}),
        ("metadata", {"name": "-", "labels": {"site": "a"}}),
        ("metadata", {"name": "cp2", "labels": {"site": ["a"]}}),
        ("metadata", {"name": "cp2", "labels": {"site": "a", "": "b"}}),
        ("metadata", "cp2"),
        ("status", "x"),
    ],
)
def test_what_is_stored_and_does_not_validate_any_more_is_told_as_ever(field: str, value: object) -> None:
    (content,) = [resource.content for resource in resources(CHARGER)]
    good = {**content, "metadata": {"name": "cp1", "labels": {"site": "a"}}}
    broken = [good, {**content, field: value}]
    assert stored_resources(broken) == read_resources([Document(content=content, file="") for content in broken])
    assert stored_resources(broken)[1]
