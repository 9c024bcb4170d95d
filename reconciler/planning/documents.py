"""From documents to resources: every document checked on its own, everything wrong with all of them said at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.model.addresses import KINDS, NAME, Address, address_of
from reconciler.model.desired import LOCAL
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.documents import Document
from reconciler.model.kinds import (
    API_VERSION,
    BUILT_IN_ROLES,
    SPEC_MODELS,
    BackendSpec,
    Metadata,
    Spec,
    SplitSystemSpec,
)
from reconciler.model.kinds.base import describe
from reconciler.model.site import Resource
from reconciler.planning.findings import Finding, did_you_mean, findings

_Model = TypeVar("_Model", bound=BaseModel)

_Labels = dict[tuple[tuple[str, str], ...], Mapping[str, str]]
_FIELDS: Final = ("apiVersion", "kind", "metadata", "spec")
_NOTHING_APPLIED: Final[Mapping[str, Resource]] = {}


def read_resources(
    documents: Iterable[Document], applied: Mapping[str, Resource] = _NOTHING_APPLIED
) -> tuple[list[Resource], list[Diagnostic]]:
    """Return the resources that `documents` declare, in their order, and all that is wrong with the documents.

    A document with a fault gives diagnostics and no resource; of two with one address the first counts. One that says
    the same as the resource `applied` at its address was checked with that one, and isn't again.
    """
    resources: dict[Address, Resource] = {}
    diagnostics: list[Diagnostic] = []
    for document in documents:
        address = address_of(document.content)
        resource = _unchanged(document, applied.get(address)) if address is not None and applied else None
        if resource is None:
            found, resource = _read(document)
        else:
            found = []
        diagnostics.extend(_diagnostic(document, address, finding) for finding in found)
        if resource is None:
            continue
        first = resources.setdefault(resource.address, resource)
        if first is not resource:
            place = first.position("metadata.name")
            finding = Finding(
                "metadata.name",
                f"{resource.address} is declared twice",
                f"it is declared at {place}; rename one of the two" if place else "rename one of the two",
            )
            diagnostics.append(_diagnostic(document, address, finding))
    return list(resources.values()), diagnostics


def _unchanged(document: Document, applied: Resource | None) -> Resource | None:
    """Return what is applied, as `document` declares it again; None where that says anything else."""
    if applied is None or document.content != applied.content or not _same_types(document.content, applied.content):
        return None
    return Resource(
        applied.address, applied.spec, applied.labels, applied.content, file=document.file, places=document.places
    )


def _same_types(one: Any, other: Any) -> bool:
    """Tell whether two equal values are of the same types all through: 1 equals 1.0 and true, and is another value."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return all(_same_types(item, other[key]) for key, item in one.items() if type(item) is not str)
    if isinstance(one, list):
        return all(map(_same_types, one, other))
    return True


def stored_resources(contents: Sequence[Mapping[str, Any]]) -> tuple[list[Resource], list[Diagnostic]]:
    """Return the resources of stored documents, and what is wrong with them.

    They were checked and made canonical before they were written, so all that is left to check is that this version
    still takes them.
    """
    labels: _Labels = {}
    found = [_stored(content, labels) for content in contents]
    if all(found):
        return [resource for resource in found if resource is not None], []
    return read_resources([Document(content=content, file="") for content in contents])


def _stored(content: Mapping[str, Any], known: _Labels) -> Resource | None:
    """Return the resource of a canonical document, None where it is none (any more)."""
    kind = content.get("kind")
    if not isinstance(kind, str) or (model := SPEC_MODELS.get(kind)) is None:
        return None
    if content.keys() != set(_FIELDS) or content["apiVersion"] != API_VERSION:
        return None
    try:
        name, labels = _named(content["metadata"], known)
        spec = model.model_validate(content["spec"])
    except (ValidationError, TypeError):  # the latter from labels that are no text
        return None
    if any(_name_findings(name, kind, spec)):
        return None
    return Resource(Address(KINDS[kind], name), spec, labels, content)


def _named(written: Any, known: _Labels) -> tuple[str, Mapping[str, str]]:
    """Return the name and labels that metadata says; equal labels become one, and are checked once."""
    if isinstance(written, dict) and written.keys() == {"name", "labels"} and isinstance(written["labels"], dict):
        labels = known.get(tuple(written["labels"].items()))
        if labels is not None and isinstance(written["name"], str) and NAME.fullmatch(written["name"]):
            return written["name"], labels
    metadata = Metadata.model_validate(written)
    return metadata.name, known.setdefault(tuple(metadata.labels.items()), metadata.labels)


def _diagnostic(document: Document, address: str | None, finding: Finding) -> Diagnostic:
    position: Position | None = document.position(finding.path) if document.file else None
    return Diagnostic(Severity.ERROR, finding.summary, address, position, finding.hint)


def _read(document: Document) -> tuple[list[Finding], Resource | None]:
    content = document.content
    found = list(_envelope_findings(content))
    kind = content.get("kind")
    model = SPEC_MODELS.get(kind) if isinstance(kind, str) else None
    metadata = _validated(Metadata, content, "metadata", found)
    spec = _validated(model, content, "spec", found) if model is not None else None
    if kind is None or metadata is None or spec is None or found:
        return found, None
    found.extend(_name_findings(metadata.name, kind, spec))
    if found:
        return found, None
    resource = Resource(
        address=Address(KINDS[kind], metadata.name),
        spec=spec,
        labels=metadata.labels,
        content=_canonical(kind, metadata, spec),
        file=document.file,
        places=document.places,
    )
    return found, resource


def _envelope_findings(content: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the document's own fields, and every field that has a key and no value."""
    for name in content:
        if name not in _FIELDS:
            yield Finding(name, f"unknown field {name}", did_you_mean(name, _FIELDS))
    for name in _FIELDS:
        if name not in content:
            yield Finding("", f"the document needs {name}", _missing_hint(name))
    version, kind = content.get("apiVersion", API_VERSION), content.get("kind", "")
    if version != API_VERSION:
        yield Finding("apiVersion", f"apiVersion: must be {API_VERSION}, not {describe(version)}", f"use {API_VERSION}")
    if "kind" in content and (not isinstance(kind, str) or kind not in KINDS):
        yield Finding("kind", f"kind: there is no kind {kind}", did_you_mean(str(kind), KINDS))
    if _has_empty_field(content):
        yield from _empty_fields(content, "")


def _missing_hint(name: str) -> str:
    return {
        "apiVersion": f"begin it with apiVersion: {API_VERSION}",
        "kind": f"one of {', '.join(KINDS)}",
        "metadata": "add metadata: {name: ...}",
        "spec": "add spec: with the fields of its kind",
    }[name]


def _has_empty_field(value: object) -> bool:
    """Tell whether `_empty_fields` has any; much faster, as nearly no document has."""
    if isinstance(value, dict):
        items: Iterable[object] = value.values()
    elif isinstance(value, list):
        items = value
    else:
        return value is None
    return any(type(item) is not str and _has_empty_field(item) for item in items)


def _empty_fields(value: object, path: str) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _empty_fields(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _empty_fields(item, f"{path}.{index}")
    elif value is None:
        yield Finding(path, f"{path}: is empty", "give it a value, or remove the line")


def _validated(model: type[_Model], content: Mapping[str, Any], field: str, found: list[Finding]) -> _Model | None:
    """Return `content[field]` as `model`; None, with the reasons added to `found`, where it is not one."""
    if content.get(field) is None:
        return None  # said already: the field is missing or empty
    try:
        return model.model_validate(content[field])
    except ValidationError as failure:
        empty = {finding.path for finding in found}
        found.extend(finding for finding in findings(failure, model, field) if finding.path not in empty)
        return None


def _name_findings(name: str, kind: str, spec: Spec) -> Iterator[Finding]:
    """Yield what is wrong between the name of a resource and its spec."""
    if kind == "Role" and name in BUILT_IN_ROLES:
        yield Finding("metadata.name", f"role {name} is built in", "choose another name for this role")
    if isinstance(spec, BackendSpec) and (name == LOCAL) != (spec.local is not None):
        if name == LOCAL:
            yield Finding(
                "spec", "spec: backend local is the relay itself, it is never dialled", "leave only local: {...}"
            )
        else:
            yield Finding(
                "spec.local", "spec.local: only the Backend named local has it", "remove it, or rename to local"
            )
    if isinstance(spec, SplitSystemSpec) and not NAME.fullmatch(f"{name}-d{len(spec.dispensers)}"):
        yield Finding("metadata.name", "metadata.name: too long for its chargers' names", "<name>-dN has at most 63")


def _canonical(kind: str, metadata: Metadata, spec: Spec) -> dict[str, Any]:
    """Return the document as JSON data with defaults left out; reading it again gives an equal resource."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": metadata.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }
