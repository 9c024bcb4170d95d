"""Secret check: whether the references in specs resolve on the server, before anything relies on them."""

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.app.ports import Secrets
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import SecretRef
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.site import Resource


def missing_secrets(resources: Iterable[Resource], secrets: Secrets) -> list[Diagnostic]:
    """Return an error for every reference that does not resolve; one that names `{identity}` is left to the session."""
    return [
        Diagnostic(Severity.ERROR, error.summary, str(resource.address), resource.position(path), error.hint)
        for resource in resources
        for path, ref in _references("", resource.content)
        if (error := _failure(ref, secrets)) is not None
    ]


def _failure(ref: SecretRef, secrets: Secrets) -> SecretUnavailable | None:
    try:
        secrets.resolve(ref)
    except SecretUnavailable as error:
        return error
    return None


def _references(path: str, value: Any) -> Iterator[tuple[str, SecretRef]]:
    if isinstance(value, dict):
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            if key == "passwordPrevious":
                continue  # it stops counting by no longer being there
            if key == "fromEnv" and isinstance(item, str):
                yield below, SecretRef("env", item)
            elif key == "fromFile" and isinstance(item, str):
                if "{identity}" not in item:
                    yield below, SecretRef("file", item)
            else:
                yield from _references(below, item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(f"{path}.{index}", item)
