"""Reading YAML: every place, every fault, and nothing that grows without bound."""

from io import StringIO
from time import perf_counter

import pytest

from reconciler.adapters.spec_files import read_documents
from reconciler.adapters.spec_files.reading import ALIASED_NODES_MAX, DEPTH_MAX
from reconciler.model.diagnostics import Diagnostic, Position
from reconciler.model.documents import Document


def read(text: str) -> tuple[list[Document], list[Diagnostic]]:
    return read_documents(["-"], StringIO(text))


def content(text: str) -> object:
    [document], diagnostics = read(text)
    assert not diagnostics
    return document.content


def faults(text: str) -> list[tuple[str, int, int]]:
    found = []
    for finding in read(text)[1]:
        assert finding.position is not None
        found.append((finding.summary, finding.position.line, finding.position.column))
    return found


def test_keys_are_always_text_and_scalars_are_yaml_1_2() -> None:
    assert content("on: no\n0777: 0777\n1.5: {true: yes}\nnull: 1:20\n'x': \"0777\"\n") == {
        "on": "no",
        "0777": 777,
        "1.5": {"true": "yes"},
        "null": "1:20",
        "x": "0777",
    }


def test_every_field_has_its_place() -> None:
    [document], _ = read("---\n# comment\na: 1\nb:\n  - c: {d: 2}\n  - [x, y]\n---\ne: 1\n")[0][:1], 0
    assert document.places == {
        "": (3, 1),
        "a": (3, 1),
        "b": (4, 1),
        "b.0": (5, 5),
        "b.0.c": (5, 5),
        "b.0.c.d": (5, 9),
        "b.1": (6, 5),
        "b.1.0": (6, 6),
        "b.1.1": (6, 9),
    }
    assert document.position("b.0.c.nothing") == Position("-", 5, 5)


def test_block_text_and_quotes_are_text() -> None:
    assert content("a: |\n  1\n  2\nb: >-\n  true\nc: 'null'\nd: !!str 5\n") == {
        "a": "1\n2\n",
        "b": "true",
        "c": "null",
        "d": "5",
    }


def test_json_is_yaml() -> None:
    assert content('{"a": [1, 2.5, true, null, "x"]}') == {"a": [1, 2.5, True, None, "x"]}


def test_a_key_written_twice_is_told_with_both_places_and_the_address() -> None:
    [document], [finding] = read("kind: Charger\nmetadata: {name: a}\nspec:\n  x: 1\n  y: 2\n  x: 3\n")
    assert finding.summary == "key x is written twice"
    assert finding.position == Position("-", 6, 3)
    assert finding.hint == "it is at line 4, column 3 already; remove one"
    assert finding.address == "charger.a"
    assert document.content["spec"] == {"x": 1, "y": 2}


def test_keys_that_only_look_alike_are_different() -> None:
    assert content("a: 1\nA: 2\n'a ': 3\n") == {"a": 1, "A": 2, "a ": 3}
    assert faults("1: a\n'1': b\n") == [("key 1 is written twice", 2, 1)]


def test_every_broken_document_is_told_and_the_others_are_read() -> None:
    text = "a: 1\n---\nb: [\n---\nc: 3\n---\nd: 'x\n--- \ne: *none\n---\nf: 6\n"
    documents, _ = read(text)
    assert [dict(document.content) for document in documents] == [{"a": 1}, {"c": 3}, {"f": 6}]
    assert [(line, column) for _, line, column in faults(text)] == [(4, 1), (8, 1), (9, 4)]
    assert documents[2].places["f"] == (11, 1)


@pytest.mark.parametrize(
    ("text", "summary", "line", "column", "hint"),
    [
        ("a:\n\tb: 1\n", "not valid YAML: found character that cannot start any token", 2, 1, "never with tabs"),
        ("a: b: c\n", "not valid YAML: mapping values are not allowed in this context", 1, 5, "indentation"),
        ("a: \x00\n", "not valid YAML: control characters are not allowed", 1, 1, "remove the character"),
        ("- 1\n- 2\n", "a document must be a mapping with apiVersion, kind, metadata and spec", 1, 1, ""),
        ("just text\n", "a document must be a mapping with apiVersion, kind, metadata and spec", 1, 1, ""),
        ("a: *x\n", "there is no anchor x before this alias", 1, 4, "define it first"),
        ("a: &a [*a]\n", "there is no anchor a before this alias", 1, 8, "define it first"),
        ("a: !!binary aGk=\n", "the tag tag:yaml.org,2002:binary is not supported", 1, 4, "remove the tag"),
        ("a: !!python/object:x.Y {}\n", "the tag tag:yaml.org,2002:python/object:x.Y is not", 1, 4, "remove the tag"),
        ("a: &a {b: 1}\nc: {<<: *a}\n", "merge keys (<<) are not supported", 2, 5, "write the fields out"),
        ("[a, b]: 1\n", "a key must be plain text", 1, 1, "write simple keys"),
        ("? {a: 1}\n: 2\n", "a key must be plain text", 1, 3, "write simple keys"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, summary: str, line: int, column: int, hint: str) -> None:
    [finding] = read(text)[1]
    assert finding.summary.startswith(summary)
    assert finding.position == Position("-", line, column)
    assert hint in finding.hint


def test_an_alias_repeats_what_its_anchor_holds() -> None:
    assert content("a: &x {b: [1]}\nc: *x\nd: &y 5\ne: [*y, *x]\n") == {
        "a": {"b": [1]},
        "c": {"b": [1]},
        "d": 5,
        "e": [5, {"b": [1]}],
    }


def test_a_billion_laughs_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    began = perf_counter()
    [(summary, _, _)] = faults("\n".join(lines))
    assert summary == f"aliases repeat more than {ALIASED_NODES_MAX} nodes"
    assert perf_counter() - began < 1


def test_the_bound_on_aliases_holds_for_the_file_not_for_each_document() -> None:
    items = ", ".join(["x"] * 999)
    one = f"a: &a [{items}]\nb: [{', '.join(['*a'] * 60)}]\n"
    assert len(read(one)[0]) == 1
    assert [summary[:14] for summary, _, _ in faults("---\n".join([one] * 3))] == ["aliases repeat"] * 2


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_at_once(opening: str) -> None:
    began = perf_counter()
    [(summary, _, _)] = faults(opening * 100_000)
    assert summary in (f"nested deeper than {DEPTH_MAX} levels", "a key must be plain text")
    assert perf_counter() - began < 1


@pytest.mark.slow
def test_ten_thousand_documents_are_read_in_about_a_second() -> None:
    one = "---\napiVersion: fwdctl/v1\nkind: Charger\nmetadata: {name: cp}\nspec: {identity: CP, versions: [ocpp1.6]}\n"
    began = perf_counter()
    documents, diagnostics = read(one * 10_000)
    assert (len(documents), diagnostics) == (10_000, [])
    assert documents[-1].places["kind"] == (49_998, 1)
    assert perf_counter() - began < 5


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("kind: Backend\nmetadata: {name: partner, labels: {a: b}}\nspec: [\n", "backend.partner"),
        ("apiVersion: x\nkind: 'Role'\nmetadata:\n  labels: x\n  name: energy\n\tspec:\n", "role.energy"),
        ("kind: Nothing\nmetadata: {name: partner}\nspec: [\n", None),
        ("spec: [\n", None),
    ],
)
def test_what_is_no_yaml_still_shows_whose_it_is(text: str, address: str | None) -> None:
    [finding] = read(text)[1]
    assert finding.address == address
