"""Use case status: every charger as it is to run beside how it runs, and in what the two differ."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.controller import Controller
from reconciler.app.ports import RelayPort
from reconciler.errors import UnknownAddress
from reconciler.model.addresses import Address
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger
from reconciler.model.overrides import Override
from reconciler.model.site import Site
from reconciler.planning.drift import Standing, State
from reconciler.planning.effective import Layer


@dataclass(frozen=True, slots=True)
class ChargerStatus:
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


class Status:
    """Reads; changes nothing."""

    def __init__(self, specs: AppliedSpecs, relay: RelayPort, controller: Controller) -> None:
        self._specs = specs
        self._relay = relay
        self._controller = controller

    async def chargers(self, address: str | None = None) -> tuple[ChargerStatus, ...]:
        """Return the chargers by name: all, or those of a charger, split system, binding or back-end.

        Raises UnknownAddress where there is no such resource.
        """
        site = (await self._specs.current()).site
        live = self._relay.live()
        standings = {standing.charger: standing for standing in self._controller.standings()}
        chosen = _chosen(site, self._controller.desired, address)
        names = sorted(standings.keys() | site.chargers.keys() | live.keys()) if chosen is None else chosen
        return tuple(self._status(name, site, live, standings) for name in names)

    def _status(
        self, name: str, site: Site, live: Mapping[str, LiveCharger], standings: Mapping[str, Standing]
    ) -> ChargerStatus:
        return ChargerStatus(
            name=name,
            standing=standings.get(name) or Standing(name, State.OFFLINE),
            desired=self._controller.desired.get(name),
            live=live.get(name),
            override=self._controller.overrides.get(name),
            layer=self._controller.layers.get(name),
            declared_by=site.declared_by.get(name, ""),
            bound_by=site.bound_by.get(name, ""),
            paused=self._controller.paused.get(name, ""),
        )


def _chosen(site: Site, desired: Mapping[str, DesiredCharger], text: str | None) -> list[str] | None:
    if text is None:
        return None
    address = Address.parse(text)
    members = {member.charger for policy in site.load_policies if policy.address == text for member in policy.members}
    found = [
        name
        for name in site.chargers
        if text in (site.declared_by.get(name), site.bound_by.get(name))
        or (address.kind == "charger" and address.name == name)
        or name in members
        or (address.kind == "backend" and name in desired and desired[name].leg(address.name) is not None)
    ]
    if not found and text not in site.resources:
        raise UnknownAddress(f"there is no {text}", hint="fwdctl status lists all chargers")
    return sorted(found)
