"""Routing: which back-end answers a station's call, who gets a copy, and who may command what (R5, R7, R8).

One `RouteTable` is one generation of roles. A flip is the replacement of one table by another; nothing in a
table ever changes.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.relay.catalogue import CATALOGUE, UNKNOWN_ACTION_FEATURE, Action
from reconciler.relay.composition import SHARED_ANSWERS, shared_fields
from reconciler.relay.envelope import UNREADABLE, Frame
from reconciler.relay.shapes import Vendor

NOT_COPIED: Final = frozenset({"BootNotification", "Heartbeat"})
"""Each leg has its own: the relay registers and beats on every leg by itself (R9)."""

_VENDOR: Final = msgspec.json.Decoder(Vendor)


class RouteTable:
    """Owners, observers and permissions of one charger under one generation, for one OCPP version."""

    __slots__ = ("_actions", "_legs", "_observers", "_shared", "_vendors", "identity", "keeps_calls", "owners")

    def __init__(self, desired: DesiredCharger, version: str) -> None:
        self.identity = desired.identity
        self.owners: Mapping[str, str] = desired.owners
        self.keeps_calls = desired.when_owner_is_down in ("buffer", "failover")
        """Are calls acknowledged and kept while their owner is away? With failover, for the next owner (R11)."""
        self._actions = CATALOGUE[version]
        roles = _roles_of(desired)
        self._legs = roles.legs
        self._observers = roles.observers
        self._shared = roles.shared
        self._vendors = roles.vendors

    def leg(self, backend: str) -> DesiredLeg | None:
        """Return what `backend` is here, None where it has no role."""
        return self._legs.get(backend)

    @property
    def legs(self) -> Mapping[str, DesiredLeg]:
        """Every back-end that is to be connected, by name."""
        return self._legs

    def action(self, name: str) -> Action | None:
        """Return the catalogue's row, None for an action that no specification names."""
        return self._actions.get(name)

    def feature(self, name: str) -> str:
        """Return the feature that an action belongs to."""
        row = self._actions.get(name)
        return row.feature if row is not None else UNKNOWN_ACTION_FEATURE

    def shares_credentials(self, backend: str) -> bool:
        """Return True where `backend` owns `security` and shares the station's own credential (R13, passthrough)."""
        leg = self._legs.get(backend)
        return leg is not None and leg.credentials == "passthrough" and self.owners["security"] == backend

    def owner(self, frame: Frame) -> str:
        """Return the one back-end that answers this station CALL or SEND (R5); never reads more than it must."""
        if self._vendors and frame.action == "DataTransfer":
            vendor = self._vendor_owner(frame)
            if vendor is not None:
                return vendor
        return self.owners[self.feature(frame.action)]

    def shared_fields(self, action: str) -> Mapping[str, tuple[str, ...]]:
        """Return who else than its owner has a part in the answer to `action`, and in which fields (R6)."""
        return self._shared.get(action, {})

    def observers(self, frame: Frame, owner: str) -> tuple[str, ...]:
        """Return who gets a copy of this station frame."""
        if frame.action in NOT_COPIED:
            return ()
        observers = self._observers[self.feature(frame.action)]
        if owner in observers:  # a vendor message that another than the feature's owner answers
            return tuple(name for name in observers if name != owner)
        return observers

    def refusal_of_command(self, backend: str, frame: Frame) -> str | None:
        """Return why `backend` may not give this command, or None where it may (R8)."""
        row = self._actions.get(frame.action)
        owner = self.owner(frame)
        if owner == backend:
            return None
        leg = self._legs.get(backend)
        if leg is not None and leg.role.may_read and row is not None and row.read_only:
            return None
        return f"{owner} owns {self.feature(frame.action)} on this charging station"

    def _vendor_owner(self, frame: Frame) -> str | None:
        try:
            sent = _VENDOR.decode(frame.payload)
        except UNREADABLE:
            return None
        for message, backend in self._vendors:
            if fnmatchcase(sent.vendorId, message.vendor_id) and fnmatchcase(sent.messageId, message.message_id):
                return backend
        return None


class _Roles:
    """What follows from legs and owners alone: all chargers of one binding have it in common, and the memory of it."""

    __slots__ = ("_of", "legs", "observers", "shared", "vendors")

    def __init__(self, desired: DesiredCharger) -> None:
        self._of = desired.legs, desired.owners  # as long as they are there, no others have their ids
        self.legs = {leg.backend.name: leg for leg in desired.legs}
        self.observers = _observers(desired)
        shares = len(set(desired.owners.values())) > 1
        self.shared = {action: shared_fields(action, desired.owners) for action in SHARED_ANSWERS if shares}
        self.vendors = tuple(
            (message, leg.backend.name) for leg in desired.legs for message in leg.role.vendor_messages
        )


_KNOWN_MAX: Final = 64
_known: Final[dict[tuple[int, int], _Roles]] = {}
"""By the ids of legs and owners; a memo, so that a flip of thousands works it out once."""


def _roles_of(desired: DesiredCharger) -> _Roles:
    key = id(desired.legs), id(desired.owners)
    roles = _known.get(key)
    if roles is None:
        if len(_known) >= _KNOWN_MAX:
            _known.clear()
        roles = _known[key] = _Roles(desired)
    return roles


def _observers(desired: DesiredCharger) -> dict[str, tuple[str, ...]]:
    """Return who gets copies of what belongs to each feature; most sites have nobody who does."""
    watching = [leg for leg in desired.legs if leg.role.observes]
    if not watching:
        return dict.fromkeys(desired.owners, ())
    return {
        feature: tuple(
            leg.backend.name
            for leg in watching
            if leg.backend.name != owner and ("*" in leg.role.observes or feature in leg.role.observes)
        )
        for feature, owner in desired.owners.items()
    }
