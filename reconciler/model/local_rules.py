"""What the local back-end is to do, resolved: load policies and notification rules, each with its chargers."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from reconciler.model.notices import Recipient

EVENT_FEATURES: Final[Mapping[str, str]] = {
    "charger-offline": "availability",
    "connector-faulted": "availability",
    "backend-down": "provisioning",
    "load-exceeded": "smart-charging",
    "security-event": "security",
    "firmware-failed": "firmware",
    "certificate-expires": "security",
}
"""Event of a rule -> the feature whose owner tells about it. A flip has none: it is told where `local` owned or owns
one of the features that changed hands."""

RELAY_SECURITY: Final = "relay-security-event"
RELAY_CERTIFICATE: Final = "relay-certificate-expires"
RELAY_EVENTS: Final = frozenset({RELAY_SECURITY, RELAY_CERTIFICATE})
"""Events of the relay itself: about no charger, so there is nobody else to leave them to."""

STATES: Final = ("charger-offline", "connector-faulted", "backend-down", "load-exceeded")
"""Events that last until they are over; the others are over as they happen."""


class LoadMember(msgspec.Struct, frozen=True):
    """One charger of a load policy."""

    charger: str
    rated_w: float
    """What it is built for."""
    priority: int = 0


class LoadPolicy(msgspec.Struct, frozen=True):
    """A limit over a group of chargers; power in W."""

    name: str
    members: tuple[LoadMember, ...]
    limit_w: float
    min_w: float = 0.0
    by_priority: bool = False
    not_governed: Literal["measured", "rated"] = "measured"
    reserve_w: float = 0.0
    stale_s: float = 180.0
    amperes_at_v: float | None = None
    """Write limits in amperes a phase, at this voltage; None: in watts."""

    @property
    def address(self) -> str:
        """Return its address."""
        return f"load-policy.{self.name}"


class NotificationRule(msgspec.Struct, frozen=True):
    """Whom to tell about what on which chargers, none where it is about the relay alone."""

    name: str
    chargers: frozenset[str]
    on: frozenset[str]
    to: tuple[Recipient, ...]
    after_s: float = 60.0
    recovery: bool = True
    at_most_per_hour: int = 20

    @property
    def address(self) -> str:
        """Return its address."""
        return f"notification-rule.{self.name}"

    @property
    def is_about_the_relay(self) -> bool:
        """Return whether it tells about something that is about no charger."""
        return not self.on.isdisjoint(RELAY_EVENTS)

    def is_about(self, event: str, charger: str) -> bool:
        """Return whether `event`, of `charger` or of none, is for this rule."""
        return event in self.on and (charger in self.chargers or (not charger and event in RELAY_EVENTS))


class Coverage(msgspec.Struct, frozen=True):
    """On which chargers a rule or policy acts, and on which it does not and why."""

    address: str
    what: str
    """governs, or tells about an event on."""
    acts_on: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(reason, chargers)"""
