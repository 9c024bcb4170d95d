"""Specs on their way to the server: read, checked for shape, all that is wrong told at once."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from reconciler.adapters.spec_files import read_documents
from reconciler.app.api_contract import documents_to_json
from reconciler.errors import FwdctlError, InvalidSpecs
from reconciler.model.diagnostics import Severity, by_position, has_errors
from reconciler.model.documents import Document
from reconciler.planning.documents import read_resources


def read_specs(sources: Sequence[str]) -> list[Document]:
    """Return the documents of files, directories and "-" (stdin); raises InvalidSpecs with every finding.

    Only what each document says by itself is checked here: how they hold together with what is applied, the
    server knows.
    """
    with _uncollected():
        documents, findings = read_documents(sources, sys.stdin)
        _, more = read_resources(documents)
        findings = by_position([*findings, *more])
    if has_errors(findings):
        count = sum(finding.severity is Severity.ERROR for finding in findings)
        raise InvalidSpecs(f"{count} {'error' if count == 1 else 'errors'} in the specs, nothing was sent", findings)
    return list(documents)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the garbage collector, which would walk all documents again and again; it leaves them alone later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def plan_request(sources: Sequence[str], *, select: Sequence[str], **scope: Any) -> dict[str, Any]:
    """Return the body of a plan request for specs from `sources`; `scope` are its other fields, as given by flags."""
    return {
        "documents": documents_to_json(read_specs(sources)),
        "select": labels(select),
        **scope,
    }


def labels(texts: Sequence[str], flag: str = "--select") -> dict[str, str]:
    """Return the labels given with `flag`; raises FwdctlError where one is none."""
    return dict(_label(text, flag) for text in texts)


def _label(text: str, flag: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise FwdctlError(f"{flag} {text}: no label", hint=f"write {flag} label=value")
    return name, value
