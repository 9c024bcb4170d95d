"""Specs on their way to the server: read, checked for shape, all that is wrong told at once."""

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.adapters.spec_files import SpecText, read_documents, read_texts, texts_of
from reconciler.app.api_contract import documents_to_json
from reconciler.errors import FwdctlError, InvalidSpecs, TextsNeeded
from reconciler.model.diagnostics import Diagnostic, Severity, by_position, has_errors
from reconciler.model.documents import Document

TEXTS_MIN: Final = 100
"""Documents from which on it pays to ask the server first which it knows."""
FEW: Final = 100
"""Documents that are sent unchecked: the server checks them anyway, and the models need not be loaded here."""
TURNS_MAX: Final = 3


def read_specs(sources: Sequence[str]) -> list[Document]:
    """Return the documents of files, directories and "-" (stdin); raises InvalidSpecs with every finding.

    Only what each document says by itself is checked here: how they hold together with what is applied, the
    server knows.
    """
    documents, findings = read_documents(sources, sys.stdin)
    findings = by_position([*findings, *_faults(documents)])
    if has_errors(findings):
        count = sum(finding.severity is Severity.ERROR for finding in findings)
        raise InvalidSpecs(f"{count} {'error' if count == 1 else 'errors'} in the specs, nothing was sent", findings)
    return list(documents)


def _faults(documents: Sequence[Document]) -> list[Diagnostic]:
    """Return what is wrong with documents by themselves."""
    from reconciler.planning.documents import read_resources  # here, as a plan of a few changes goes without models

    return read_resources(documents)[1]


def planned(api: ApiClient, sources: Sequence[str], *, select: Sequence[str], **scope: Any) -> Json:
    """Return the plan that the server makes for specs from `sources`; `scope` is the rest of the request, as by flags.

    Of many documents those are neither read nor sent whose text the server knows to say what is applied.
    """
    request = {"select": labels(select), **scope}
    with _uncollected():
        texts = texts_of(sources) or ()
        made = _planned_by_texts(api, texts, request) if len(texts) >= TEXTS_MIN else None
        return made or api.plan({"documents": documents_to_json(read_specs(sources)), **request})


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the garbage collector, which would walk all documents again and again, until they are sent and gone.

    Nothing of it outlasts the block: the process may be somebody else's, who keeps more in it than this command.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _planned_by_texts(api: ApiClient, texts: Sequence[SpecText], request: Mapping[str, Any]) -> Json | None:
    """Return the plan; None where all has to be read and sent: where anything is wrong, or to an old server.

    A few documents are checked by the server alone; where it has anything to say about them, they are checked here.
    """
    try:
        known = frozenset(api.known_texts(text.digest for text in texts)["known"])
    except FwdctlError:
        return None  # told by what follows, unless it is that the server has no such call
    for _ in range(TURNS_MAX):
        documents, findings = read_texts(text for text in texts if text.digest not in known)
        if findings or (len(documents) > FEW and _faults(documents)):
            return None
        digests = [text.digest for text in texts if text.digest in known]
        try:
            return api.plan({"documents": documents_to_json(documents), "texts": digests, **request})
        except TextsNeeded as needed:
            if _faults(documents):
                return None
            known -= set(needed.texts)
    return None


def labels(texts: Sequence[str], flag: str = "--select") -> dict[str, str]:
    """Return the labels given with `flag`; raises FwdctlError where one is none."""
    return dict(_label(text, flag) for text in texts)


def _label(text: str, flag: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise FwdctlError(f"{flag} {text}: no label", hint=f"write {flag} label=value")
    return name, value
