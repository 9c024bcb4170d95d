"""Secret check: whether what specs refer to resolves on the server and is good, before anything relies on it."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from reconciler.app.ports import Secrets
from reconciler.app.stored_passwords import is_hash
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import SecretRef
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.site import Resource

PASSWORD_BYTES_MIN: Final = 16
"""What OCPP asks for (1.6 security extensions A00.FR.205, 2.x A00.FR.205); old stations have less."""


def secret_findings(resources: Iterable[Resource], secrets: Secrets) -> Iterator[Diagnostic]:
    """Yield an error for every reference that does not resolve, and a warning for every password that is too short.

    One that names `{identity}` is left to the session.
    """
    for resource in resources:
        for path, ref in _references("", resource.content):
            where = str(resource.address), resource.position(path)
            try:
                value = secrets.resolve(ref)
            except SecretUnavailable as error:
                yield Diagnostic(Severity.ERROR, error.summary, *where, error.hint)
                continue
            if _is_password(path) and _is_short(value, is_hex=_is_hex(resource)):
                summary = f"the password {ref} is shorter than the {PASSWORD_BYTES_MIN} bytes that OCPP asks for"
                yield Diagnostic(Severity.WARNING, summary, *where, "make a random one: openssl rand -hex 16")


def _is_password(path: str) -> bool:
    return path.rpartition(".")[0].endswith("password")


def _is_hex(resource: Resource) -> bool:
    return bool(resource.content.get("spec", {}).get("passwordEncoding") == "hex")


def _is_short(value: bytes, *, is_hex: bool) -> bool:
    return not is_hash(value) and len(value) < PASSWORD_BYTES_MIN * (2 if is_hex else 1)


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
