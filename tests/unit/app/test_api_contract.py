"""What one side of the admin API writes, the other reads back as the same thing."""

import json
from collections.abc import Iterator

import pytest

from reconciler.app.api_contract import (
    diagnostic_from_json,
    diagnostic_to_json,
    documents_to_json,
    error_from_json,
    error_to_json,
    http_status,
)
from reconciler.errors import FwdctlError, InvalidSpecs, LockHeld, NotAuthorised, StalePlan, TextsNeeded, UnknownAddress
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.documents import Document

FINDINGS = (
    Diagnostic(
        Severity.ERROR, "unknown field 'rol'", "charger.cp001", Position("site.yaml", 3, 5), "did you mean role?"
    ),
    Diagnostic(Severity.WARNING, "plain ws"),
)


def every_error(root: type[FwdctlError] = FwdctlError) -> Iterator[type[FwdctlError]]:
    yield root
    for child in root.__subclasses__():
        yield from every_error(child)


def an_error(kind: type[FwdctlError]) -> FwdctlError:
    if issubclass(kind, InvalidSpecs):
        return kind("it went wrong", FINDINGS, hint="do this")
    return kind("it went wrong", hint="do this")


@pytest.mark.parametrize("kind", list(every_error()), ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_the_same_class_with_the_same_words(kind: type[FwdctlError]) -> None:
    sent = an_error(kind)
    got = error_from_json(json.loads(json.dumps(error_to_json(sent))))
    assert (type(got), got.summary, got.hint, got.exit_code) == (kind, sent.summary, sent.hint, sent.exit_code)


def test_texts_that_are_needed_travel_with_the_error() -> None:
    got = error_from_json(json.loads(json.dumps(error_to_json(TextsNeeded(texts=["a", "b"])))))
    assert isinstance(got, TextsNeeded)
    assert got.texts == ("a", "b")


def test_findings_travel_with_the_error() -> None:
    got = error_from_json(json.loads(json.dumps(error_to_json(an_error(InvalidSpecs)))))
    assert isinstance(got, InvalidSpecs)
    assert got.diagnostics == FINDINGS


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_finding_comes_back_whole(finding: Diagnostic) -> None:
    assert diagnostic_from_json(json.loads(json.dumps(diagnostic_to_json(finding)))) == finding


def test_an_error_of_a_newer_server_is_still_an_error() -> None:
    got = error_from_json({"error": {"kind": "invented-later", "summary": "new trouble"}})
    assert (type(got), got.summary, got.hint) == (FwdctlError, "new trouble", "")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FwdctlError, 400),
        (UnknownAddress, 404),
        (LockHeld, 409),
        (StalePlan, 409),
        (InvalidSpecs, 422),
        (NotAuthorised, 401),
    ],
)
def test_the_class_of_an_error_decides_the_status(kind: type[FwdctlError], status: int) -> None:
    assert http_status(an_error(kind)) == status


def test_documents_travel_with_the_places_of_their_fields() -> None:
    document = Document({"kind": "Charger"}, "site.yaml", {"kind": (2, 1)})
    (sent,) = json.loads(json.dumps(documents_to_json([document])))
    assert sent == {"content": {"kind": "Charger"}, "file": "site.yaml", "places": {"kind": [2, 1]}}
