"""A site: validated resources, and every charger resolved to what the relay is told."""

from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.addresses import Address
from reconciler.model.desired import Backend, DesiredCharger, Role
from reconciler.model.diagnostics import Position
from reconciler.model.kinds import Spec
from reconciler.model.local_rules import LoadPolicy, NotificationRule
from reconciler.model.outages import Outage


class Resource(msgspec.Struct, frozen=True, eq=False):
    """One declared resource.

    Two resources are the same where their `spec` and `labels` are equal; where they were written does not
    count. `content` is the canonical document as JSON data with defaults left out: what is stored, diffed
    and dumped.
    """

    address: Address
    spec: Spec
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    content: Mapping[str, Any] = msgspec.field(default_factory=dict)
    file: str = ""
    places: Mapping[str, tuple[int, int]] = msgspec.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return self.address == other.address and self.spec == other.spec and self.labels == other.labels

    def __ne__(self, other: object) -> bool:  # a struct's own would tell whether they are the same object
        return not self == other

    def position(self, path: str = "") -> Position | None:
        """Return where `path` is written ("" the resource itself), or None for one read from the store."""
        if not self.file:
            return None
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        line, column = self.places.get(path, (1, 1))
        return Position(self.file, line, column)


class Taken(msgspec.Struct, frozen=True):
    """What no two chargers share, and who has it: identities as they are compared, and serial numbers."""

    identities: Mapping[str, str]
    serial_numbers: Mapping[str, str]


class Site(msgspec.Struct, frozen=True):
    """Everything declared: `resources` by address text, `chargers` by charger name, split systems expanded.

    `roles` holds declared and built-in roles by name and `backends` all back-ends, `local` included, so that
    overrides can be resolved later.
    """

    resources: Mapping[str, Resource]
    chargers: Mapping[str, DesiredCharger]
    roles: Mapping[str, Role]
    declared_by: Mapping[str, str]
    """Charger name -> address text of the Charger or SplitSystem that declares it."""
    bound_by: Mapping[str, str]
    """Charger name -> address text of the BackendBinding that selects it."""
    backends: Mapping[str, Backend] = msgspec.field(default_factory=dict)
    outages: tuple[Outage, ...] = ()
    """Declared outages, by name."""
    load_policies: tuple[LoadPolicy, ...] = ()
    notification_rules: tuple[NotificationRule, ...] = ()
    taken: Taken | None = None
    """Only where resolving had nothing to say about the site: what lets `planning/resolve_again` spare itself most."""
