"""Use case toggle: a technician makes a back-end primary on chargers for a while, on top of what is declared."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.app.controller import Controller
from reconciler.app.courses import Cause, ChargerResult, Verdict, exit_code_of
from reconciler.app.ports import Clock, RelayPort, Store
from reconciler.app.refusing import refuse_blocked
from reconciler.errors import FwdctlError, InvalidSpecs, UnknownAddress
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.history import HistoryEvent
from reconciler.model.overrides import Override
from reconciler.model.plan import Effect
from reconciler.model.site import Site
from reconciler.planning.effective import Roles, toggle_roles, with_roles
from reconciler.planning.effects import effects_of
from reconciler.planning.findings import did_you_mean
from reconciler.planning.guard import Limits, disruption_blocks


class ToggleRequest(msgspec.Struct, frozen=True):
    """Who is to be primary where (names or globs of chargers), why, and for how long: `for_s` None until ended."""

    chargers: Sequence[str]
    primary: str
    reason: str
    actor: str
    for_s: float | None = None
    limits: Limits = msgspec.field(default_factory=Limits)


class ToggleResult(msgspec.Struct, frozen=True):
    """The overrides made or ended, and what became of each charger."""

    overrides: tuple[Override, ...]
    results: tuple[ChargerResult, ...]

    @property
    def exit_code(self) -> int:
        """Return 7 where a charger could not be flipped (it is tried again), else 0."""
        return exit_code_of(self.results)


class Toggling:
    """Makes and ends overrides."""

    def __init__(
        self,
        store: Store,
        relay: RelayPort,
        clock: Clock,
        specs: AppliedSpecs,
        controller: Controller,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._relay = relay
        self._clock = clock
        self._specs = specs
        self._controller = controller
        self._new_id = new_id

    async def preview(self, chargers: Sequence[str], primary: str) -> tuple[Effect, ...]:
        """Return what a toggle of these chargers (names or globs) to `primary` would do now; changes nothing.

        Raises UnknownAddress for a charger or back-end that is not declared, InvalidSpecs where the roles would
        not work out on a charger.
        """
        await self._controller.look(self._clock.now())
        site = (await self._specs.current()).site
        return self._effects(site, self._meant(site, chargers, primary))

    async def toggle(self, request: ToggleRequest) -> ToggleResult:
        """Put the override in force on every charger, and flip them.

        Raises UnknownAddress for a charger or back-end that is not declared, InvalidSpecs where the roles would
        not work out on a charger, GuardTripped where too many live chargers would flip. Then nothing was changed.
        """
        if not request.reason.strip():
            raise FwdctlError("a toggle needs a reason", hint="say why, for history: --reason TEXT")
        now = self._clock.now()
        await self._controller.look(now)
        site = (await self._specs.current()).site
        roles = self._meant(site, request.chargers, request.primary)
        self._guard(site, roles, request.limits)
        until = None if request.for_s is None else now + timedelta(seconds=request.for_s)
        overrides = tuple(
            Override(self._new_id(), name, chosen, now, until, request.reason.strip(), request.actor)
            for name, chosen in roles.items()
        )
        for override in overrides:
            await self._store.put_override(override)
        await self._store.record([_made(override) for override in overrides])
        return ToggleResult(overrides, await self._reach(roles, Cause(request.actor, request.reason.strip())))

    async def end(self, chargers: Sequence[str], *, actor: str) -> ToggleResult:
        """End the overrides on these chargers (names or globs); those that have none are skipped.

        Raises UnknownAddress for a charger that is not declared.
        """
        now = self._clock.now()
        names = chargers_meant((await self._specs.current()).site, chargers)
        ended = [override for name in names if (override := await self._store.end_override(name, now)) is not None]
        await self._store.record([_ended(override, actor, now) for override in ended])
        toggled = [override.charger for override in ended]
        results = await self._reach(toggled, Cause(actor, "the toggle was ended"))
        idle = tuple(
            ChargerResult(name, Verdict.SKIPPED, "no override is in force") for name in names if name not in toggled
        )
        return ToggleResult(tuple(ended), (*results, *idle))

    async def extend(self, chargers: Sequence[str], *, by_s: float, reason: str, actor: str) -> ToggleResult:
        """Let overrides on these chargers (names or globs) last longer; those without one or without end are skipped.

        Raises UnknownAddress for a charger that is not declared.
        """
        if not reason.strip():
            raise FwdctlError("to extend a toggle needs a reason", hint="say why, for history: --reason TEXT")
        now = self._clock.now()
        names = chargers_meant((await self._specs.current()).site, chargers)
        in_force = {override.charger: override for override in await self._store.overrides(now)}
        longer = tuple(
            replace(override, until=override.until + timedelta(seconds=by_s))
            for name in names
            if (override := in_force.get(name)) is not None and override.until is not None
        )
        for override in longer:
            await self._store.put_override(override)
        await self._store.record(
            [
                replace(_made(override), at=now, kind="toggle-extended", actor=actor, reason=reason)
                for override in longer
            ]
        )
        self._controller.wake()
        extended = {override.charger for override in longer}
        results = (
            ChargerResult(name, Verdict.APPLIED)
            if name in extended
            else ChargerResult(name, Verdict.SKIPPED, "no override with an end is in force")
            for name in names
        )
        return ToggleResult(longer, tuple(results))

    async def toggles(self) -> tuple[Override, ...]:
        """Return the overrides in force, by charger."""
        return await self._store.overrides(self._clock.now())

    async def _reach(self, names: Iterable[str], cause: Cause) -> tuple[ChargerResult, ...]:
        chosen = tuple(names)
        self._controller.expect(chosen, cause)
        await self._controller.look(self._clock.now())
        results = await self._controller.reach(chosen)
        self._controller.wake()  # the loop must learn when the override ends
        return results

    def _meant(self, site: Site, chargers: Sequence[str], primary: str) -> dict[str, Roles]:
        if primary not in site.backends:
            hint = did_you_mean(primary, site.backends, otherwise="declare it, or see fwdctl dump")
            raise UnknownAddress(f"there is no backend {primary}", hint=hint)
        return _roles(site, chargers_meant(site, chargers), primary)

    def _effects(self, site: Site, roles: Mapping[str, Roles]) -> tuple[Effect, ...]:
        before = {name: self._controller.desired[name] for name in roles}
        after = {name: with_roles(site, site.chargers[name], chosen) for name, chosen in roles.items()}
        return effects_of(before, after, self._relay.live(roles.keys()))

    def _guard(self, site: Site, roles: Mapping[str, Roles], limits: Limits) -> None:
        effects, connected = self._effects(site, roles), self._controller.sightings.connected
        refuse_blocked(tuple(disruption_blocks(effects, live=connected, limits=limits)))


def _roles(site: Site, names: Sequence[str], primary: str) -> dict[str, Roles]:
    """Return the roles that the toggle means on each charger; raises InvalidSpecs with all that don't work out."""
    roles: dict[str, Roles] = {}
    faults: list[Diagnostic] = []
    for name in names:
        charger = site.chargers[name]
        leg = charger.leg(primary)
        # Declared as primary already: the override still pins it, over an outage or an earlier toggle.
        roles[name] = toggle_roles(charger, primary) or {primary: leg.role.name if leg else "primary"}
        try:
            with_roles(site, charger, roles[name])
        except InvalidSpecs as error:
            faults += error.diagnostics
    if faults:
        raise InvalidSpecs(f"{primary} can't be primary on these chargers", faults, hint=faults[0].hint)
    return roles


def _made(override: Override) -> HistoryEvent:
    roles = ", ".join(f"{backend} {role}" for backend, role in override.roles.items())
    until = f"until {override.until:%Y-%m-%d %H:%M} UTC" if override.until else "until ended"
    return HistoryEvent(
        at=override.start,
        kind="toggle",
        summary=f"{roles}, {until}",
        charger=override.charger,
        actor=override.actor,
        reason=override.reason,
        details={"override": override.id, "roles": dict(override.roles)},
    )


def _ended(override: Override, actor: str, at: datetime) -> HistoryEvent:
    return replace(
        _made(override), at=at, kind="toggle-ended", summary=f"ended by {actor}", actor=actor, reason=override.reason
    )
