"""What the admin API and its client both speak: documents, findings and errors as JSON, and errors as HTTP status.

Pure values, so that neither side imports the other; the bodies of requests are `adapters/admin_api/schema.py`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler import errors
from reconciler.errors import FwdctlError, InvalidSpecs, NotAvailable, TextsNeeded
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.documents import Document

DEFAULT_URL: Final = "http://127.0.0.1:9180"
"""Where a server is that was not told to be anywhere else."""
FORMAT_VERSION: Final = "1.0"
"""Of every answer: the minor grows by addition, ignore what you don't know; another major is another language."""

_STATUS: Final[Mapping[type[FwdctlError], int]] = {
    errors.FwdctlError: 400,
    errors.InvalidSpecs: 422,
    errors.TextsNeeded: 409,
    errors.SecretUnavailable: 422,
    errors.UnknownAddress: 404,
    errors.NotKept: 410,
    errors.NotApplied: 409,
    errors.AppliedInPart: 409,
    errors.NotAvailable: 409,
    errors.NotAuthorised: 401,
    errors.NotAllowed: 403,
    errors.ServerUnreachable: 503,
}
"""The nearest class in an error's ancestry decides."""

_DETAILS: Final = ("charger", "operation", "feature", "owner", "way_out")


def http_status(error: FwdctlError) -> int:
    """Return the HTTP status that answers `error`."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def error_to_json(error: FwdctlError) -> dict[str, Any]:
    """Return the body of an error answer: {format_version, error: {kind, summary, hint, exit_code, diagnostics}}.

    Of an operation that is not available the error has charger, operation, feature, owner and way_out, too.
    """
    findings = error.diagnostics if isinstance(error, InvalidSpecs) else ()
    body = {
        "kind": _kind(type(error)),
        "summary": error.summary,
        "hint": error.hint,
        "exit_code": error.exit_code,
        "diagnostics": [diagnostic_to_json(finding) for finding in findings],
    }
    if isinstance(error, TextsNeeded):
        body = {**body, "texts": list(error.texts)}
    if isinstance(error, NotAvailable):
        body = {**error.details, **body}
    return {"format_version": FORMAT_VERSION, "error": body}


def error_from_json(body: Mapping[str, Any]) -> FwdctlError:
    """Return the error that `error_to_json` wrote, of the same class; an unknown kind is a plain FwdctlError."""
    error = body["error"]
    kind = _KINDS.get(error.get("kind", ""), FwdctlError)
    summary, hint = str(error["summary"]), str(error.get("hint", ""))
    if issubclass(kind, InvalidSpecs):
        return kind(summary, [diagnostic_from_json(finding) for finding in error.get("diagnostics", ())], hint=hint)
    if issubclass(kind, TextsNeeded):
        return kind(summary, hint=hint, texts=[str(text) for text in error.get("texts", ())])
    if issubclass(kind, NotAvailable):
        return kind(summary, hint=hint, details={name: str(error[name]) for name in _DETAILS if name in error})
    return kind(summary, hint=hint)


def diagnostic_to_json(finding: Diagnostic) -> dict[str, Any]:
    """Return a finding as `terraform validate -json` writes it, with the address besides; no place: range is null."""
    place = finding.position
    return {
        "severity": finding.severity.value,
        "summary": finding.summary,
        "hint": finding.hint,
        "address": finding.address,
        "range": place and {"filename": place.file, "start": {"line": place.line, "column": place.column}},
    }


def diagnostic_from_json(data: Mapping[str, Any]) -> Diagnostic:
    """Return the finding that `diagnostic_to_json` wrote."""
    place = data["range"] and Position(data["range"]["filename"], **data["range"]["start"])
    return Diagnostic(Severity(data["severity"]), data["summary"], data["address"], place, data["hint"])


def documents_to_json(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """Return documents as JSON, the places of their fields with them so that the server's findings have lines."""
    return [
        {"content": document.content, "file": document.file, "places": document.places}
        | ({"text": document.text} if document.text else {})
        for document in documents
    ]


def _kind(error: type[FwdctlError]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error.__name__).lower()


def _family(root: type[FwdctlError]) -> Iterable[type[FwdctlError]]:
    yield root
    for child in root.__subclasses__():
        yield from _family(child)


_KINDS: Final[Mapping[str, type[FwdctlError]]] = {_kind(error): error for error in _family(FwdctlError)}
