"""Addresses: `kind.name`, the one text form by which a resource is known everywhere."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reconciler.errors import UnknownAddress

KINDS: Final[dict[str, str]] = {
    "SecurityProfile": "security-profile",
    "Backend": "backend",
    "Role": "role",
    "Charger": "charger",
    "SplitSystem": "split-system",
    "BackendBinding": "backend-binding",
    "ScheduledOutage": "scheduled-outage",
    "ChangeWindow": "change-window",
    "NotificationRule": "notification-rule",
    "LoadPolicy": "load-policy",
}
"""Kind as written in YAML -> the same in an address, in dependency order (what others refer to comes first)."""

NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")


class Address(msgspec.Struct, frozen=True, order=True):
    """An immutable address; `str(address)` is its text form, `charger.cp001`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that `text` writes; raises UnknownAddress where it is none."""
        kind, _, name = text.partition(".")
        if kind not in KINDS.values() or not NAME.fullmatch(name):
            raise UnknownAddress(
                f"{text!r} is not an address", hint="an address is kind.name, for example charger.cp001"
            )
        return cls(kind, name)


def address_of(content: Mapping[str, Any]) -> str | None:
    """Return the address that a document claims, as text, or None where it has none (yet)."""
    kind, metadata = content.get("kind"), content.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if isinstance(kind, str) and kind in KINDS and isinstance(name, str) and NAME.fullmatch(name):
        return f"{KINDS[kind]}.{name}"
    return None
