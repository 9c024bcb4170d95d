"""Use case status: every charger as it is to run beside how it runs, and in what the two differ.

Of a large fleet it is put together a few chargers at a time: frames are forwarded on the same event loop.
"""

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.controller import Controller
from reconciler.app.ports import RelayPort
from reconciler.errors import UnknownAddress
from reconciler.model.addresses import Address
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger
from reconciler.model.overrides import Override
from reconciler.model.rollouts import Hold
from reconciler.model.site import Site
from reconciler.planning.drift import Standing
from reconciler.planning.effective import Layer
from reconciler.planning.turns import holds_in_force

AT_ONCE: Final = 200
"""Chargers read in one turn of the event loop, a millisecond or two."""


class ChargerStatus(msgspec.Struct, frozen=True):
    """One charger: `desired` is effective (None: not declared), `live` None where it was never seen."""

    name: str
    standing: Standing
    desired: DesiredCharger | None
    live: LiveCharger | None
    override: Override | None = None
    layer: Layer | None = None
    """What decides on it where that is not what is declared."""
    declared_by: str = ""
    bound_by: str = ""
    paused: str = ""
    """Who has the controller leave it alone, and why; "" where nobody has."""
    hold: Hold | None = None
    """As of which revision it runs where that is an earlier one, and for which apply it waits."""


class Status:
    """Reads; changes nothing."""

    def __init__(self, specs: AppliedSpecs, relay: RelayPort, controller: Controller) -> None:
        self._specs = specs
        self._relay = relay
        self._controller = controller
        self._known: AbstractSet[str] = frozenset()
        self._by_name: Sequence[str] = ()

    async def chargers(self, address: str | None = None) -> tuple[ChargerStatus, ...]:
        """Return the chargers by name: all, or those of a charger, split system, binding or back-end.

        Each is as it was at one moment; of many, the last may be some turns of the loop later than the first. Raises
        UnknownAddress where there is no such resource.
        """
        site = (await self._specs.current()).site
        reading = _Reading(site, self._controller)
        chosen = _chosen(site, reading.desired, address)
        names = self._ordered(self._controller.known | site.chargers.keys()) if chosen is None else chosen
        found: list[ChargerStatus] = []
        for start in range(0, len(names), AT_ONCE):
            if start:
                await asyncio.sleep(0)
            some = names[start : start + AT_ONCE]
            live = self._relay.live(some)
            found += [reading.status(name, live.get(name)) for name in some if reading.tells(name, live.get(name))]
        return tuple(found)

    def _ordered(self, names: AbstractSet[str]) -> Sequence[str]:
        if names != self._known:
            self._known, self._by_name = names, sorted(names)
        return self._by_name


class _Reading:
    """What holds for all chargers of one reading."""

    def __init__(self, site: Site, controller: Controller) -> None:
        self._site = site
        self._controller = controller
        self.desired = controller.desired
        self._layers = controller.layers
        self._overrides = {override.charger: override for override in controller.interventions.overrides}
        self._paused = controller.paused
        self._holds = holds_in_force(controller.interventions, controller.paused)

    def tells(self, name: str, live: LiveCharger | None) -> bool:
        """Tell whether there is such a charger: one that was deleted is there for as long as it is connected."""
        return name in self._site.chargers or (live is not None and live.connected)

    def status(self, name: str, live: LiveCharger | None) -> ChargerStatus:
        return ChargerStatus(
            name=name,
            standing=self._controller.standing(name, live),
            desired=self.desired.get(name),
            live=live,
            override=self._overrides.get(name),
            layer=self._layers.get(name),
            declared_by=self._site.declared_by.get(name, ""),
            bound_by=self._site.bound_by.get(name, ""),
            paused=self._paused.get(name, ""),
            hold=self._holds.get(name),
        )


def _chosen(site: Site, desired: Mapping[str, DesiredCharger], text: str | None) -> list[str] | None:
    if text is None:
        return None
    address = Address.parse(text)
    if address.kind == "charger" and address.name in site.chargers:
        return [address.name]
    members = {member.charger for policy in site.load_policies if policy.address == text for member in policy.members}
    found = [
        name
        for name in site.chargers
        if text in (site.declared_by.get(name), site.bound_by.get(name))
        or name in members
        or (address.kind == "backend" and name in desired and desired[name].leg(address.name) is not None)
    ]
    if not found and text not in site.resources:
        raise UnknownAddress(f"there is no {text}", hint="fwdctl status lists all chargers")
    return sorted(found)
