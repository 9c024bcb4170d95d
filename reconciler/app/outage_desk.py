"""Use cases of outages: what is open and what comes next; end, cancel or extend one opening; begin one by hand."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.app.controller import Controller
from reconciler.app.courses import Cause, ChargerResult, exit_code_of
from reconciler.app.ports import Clock, RelayPort, Store
from reconciler.app.refusing import refuse_blocked
from reconciler.errors import FwdctlError, InvalidSpecs, UnknownAddress
from reconciler.model.desired import FlipPolicy, OpenTransaction
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.history import HistoryEvent
from reconciler.model.interventions import Interventions
from reconciler.model.notices import OutageNotice
from reconciler.model.outages import Adjustment, Notice, Occurrence, Outage
from reconciler.model.site import Site
from reconciler.model.windows import Window
from reconciler.planning.effective import Roles, toggle_roles, with_roles
from reconciler.planning.effects import effects_of
from reconciler.planning.findings import did_you_mean
from reconciler.planning.guard import Limits, disruption_blocks
from reconciler.planning.occurrences import between, occurrence, open_at, upcoming


class OutageStatus(msgspec.Struct, frozen=True):
    """An outage: its opening that holds now, the next one, None where there is none; and who was told."""

    outage: Outage
    open: Occurrence | None
    next: Occurrence | None
    notices: tuple[OutageNotice, ...] = ()
    """Those of openings that are not over yet, as they were claimed."""


class BeginRequest(msgspec.Struct, frozen=True):
    """An outage that begins now: who is primary on which chargers (names or globs), for how long, why, who is told."""

    chargers: Sequence[str]
    primary: str
    for_s: int
    reason: str
    actor: str
    tell: Sequence[str] = ()
    open_transaction: OpenTransaction | None = None
    limits: Limits = msgspec.field(default_factory=Limits)


class OutageChange(msgspec.Struct, frozen=True):
    """One opening as it now is, and what became of the chargers that this moved."""

    occurrence: Occurrence
    results: tuple[ChargerResult, ...]

    @property
    def exit_code(self) -> int:
        """Return 7 where a charger could not be flipped (it is tried again), else 0."""
        return exit_code_of(self.results)


class OutageDesk:
    """Reads outages, and changes single openings of them."""

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

    async def outages(self) -> tuple[OutageStatus, ...]:
        """Return the outages that are open or will open, the next thing to happen first."""
        now = self._clock.now()
        site, state = await self._known(now)
        statuses = [_status(outage, state, now) for outage in (*site.outages, *state.begun)]
        told = await self._store.notices(now)
        statuses = [
            replace(status, notices=tuple(one for one in told if one.announcement.outage == status.outage.address))
            for status in statuses
        ]
        alive = [status for status in statuses if status.open is not None or status.next is not None]
        return tuple(sorted(alive, key=_when))

    async def chargers_of(self, name: str) -> tuple[str, ...]:
        """Return the chargers that an outage is about; raises UnknownAddress where there is no such outage."""
        site, state = await self._known(self._clock.now())
        return _named(name, site, state).chargers

    async def upcoming(self, limit: int) -> tuple[Occurrence, ...]:
        """Return the occurrences that open next, of all outages, cancelled ones too; at most `limit`."""
        now = self._clock.now()
        site, state = await self._known(now)
        found = [one for outage in site.outages for one in upcoming(outage, state.adjustments, now, limit)]
        return tuple(sorted(found, key=lambda one: (one.opening, one.outage.name))[:limit])

    async def between(self, since: datetime, before: datetime) -> tuple[Occurrence, ...]:
        """Return the occurrences that end after `since` and open before `before`, by opening, cancelled ones too."""
        site, state = await self._known(self._clock.now())
        found = [
            one for outage in (*site.outages, *state.begun) for one in between(outage, state.adjustments, since, before)
        ]
        return tuple(sorted(found, key=lambda one: (one.opening, one.outage.name)))

    async def cancel(self, name: str, *, opening: datetime | None, reason: str, actor: str) -> OutageChange:
        """End the opening that holds now, or see to it that one to come never opens (the next, or that at `opening`).

        Raises UnknownAddress where there is no such outage or opening.
        """
        now = self._clock.now()
        chosen = await self._chosen(name, opening, now)
        until = max(now, chosen.opening) if chosen.holds_at(now) else chosen.opening
        summary = f"{chosen.outage.address}: {'ended early' if chosen.holds_at(now) else 'cancelled'}"
        return await self._adjust(chosen, until, "outage-cancelled", summary, Cause(actor, reason))

    async def extend(self, name: str, *, by_s: int, opening: datetime | None, reason: str, actor: str) -> OutageChange:
        """Let the opening that holds now, or one to come (the next, or that at `opening`), last longer by `by_s`.

        Raises UnknownAddress where there is no such outage or opening, FwdctlError for one that is cancelled.
        """
        chosen = await self._chosen(name, opening, self._clock.now())
        if chosen.cancelled:
            raise FwdctlError(
                f"{chosen.outage.address} at {chosen.opening:%Y-%m-%d %H:%M} UTC is cancelled",
                hint="begin another one: fwdctl outage start",
            )
        until = chosen.until + timedelta(seconds=by_s)
        summary = f"{chosen.outage.address}: lasts until {until:%Y-%m-%d %H:%M} UTC"
        return await self._adjust(chosen, until, "outage-extended", summary, Cause(actor, reason))

    async def begin(self, request: BeginRequest) -> OutageChange:
        """Begin an outage at once.

        Raises UnknownAddress for a charger or back-end that is not declared, InvalidSpecs where the roles would not
        work out, GuardTripped where too many live chargers would flip. Then nothing was changed.
        """
        if not request.reason.strip():
            raise FwdctlError("an outage needs a reason", hint="say why, partners will read it: --reason TEXT")
        now = self._clock.now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as `--at` can write it
        await self._controller.look(now)
        site = (await self._specs.current()).site
        for backend in (request.primary, *request.tell):
            if backend not in site.backends:
                hint = did_you_mean(backend, site.backends, otherwise="declare it, or see fwdctl dump")
                raise UnknownAddress(f"there is no backend {backend}", hint=hint)
        names = chargers_meant(site, request.chargers)
        roles = _roles(site, names, request.primary)
        self._guard(site, names, roles, request.limits)
        policy = request.open_transaction
        outage = Outage(
            name=f"by-hand-{self._new_id()[:8]}",
            chargers=tuple(names),
            window=Window(request.for_s, start=now),
            roles=roles,
            flip=FlipPolicy(open_transaction=policy) if policy is not None else None,
            notice=Notice((), tuple(request.tell)) if request.tell else None,
            reason=request.reason.strip(),
            actor=request.actor,
        )
        await self._store.begin_outage(outage)
        begun = Occurrence(outage, now, now + timedelta(seconds=request.for_s))
        summary = f"{outage.address} until {begun.until:%Y-%m-%d %H:%M} UTC"
        cause = Cause(request.actor, outage.reason)
        return OutageChange(begun, await self._carry_out(outage, "outage-begun", summary, cause))

    async def _adjust(self, chosen: Occurrence, until: datetime, kind: str, summary: str, cause: Cause) -> OutageChange:
        now = self._clock.now()
        adjustment = Adjustment(chosen.outage.name, chosen.opening, until, cause.reason, cause.actor, now)
        await self._store.adjust_outage(adjustment)
        results = await self._carry_out(chosen.outage, kind, summary, cause)
        return OutageChange(Occurrence(chosen.outage, chosen.opening, until, adjustment), results)

    async def _carry_out(self, outage: Outage, kind: str, summary: str, cause: Cause) -> tuple[ChargerResult, ...]:
        event = HistoryEvent(self._clock.now(), kind, summary, actor=cause.actor, reason=cause.reason)
        await self._store.record([event])
        before = self._controller.desired
        await self._controller.look(self._clock.now())
        after = self._controller.desired
        moved = [name for name in outage.chargers if name in after and before.get(name) != after[name]]
        self._controller.expect(moved, cause)
        results = await self._controller.reach(moved)
        self._controller.wake()  # the loop must learn when it is over
        return results

    async def _known(self, now: datetime) -> tuple[Site, Interventions]:
        return (await self._specs.newest()).site, await self._store.interventions(now)

    async def _chosen(self, name: str, opening: datetime | None, now: datetime) -> Occurrence:
        site, state = await self._known(now)
        outage = _named(name, site, state)
        if opening is not None:
            found = occurrence(outage, opening, state.adjustments)
        else:
            status = _status(outage, state, now)
            found = status.open or status.next
        if found is None or max(found.until, found.opening) <= now:
            when = f" at {opening:%Y-%m-%dT%H:%M:%SZ}" if opening is not None else " any more"
            raise UnknownAddress(f"{outage.address} does not open{when}", hint="see fwdctl outage next")
        return found

    def _guard(self, site: Site, names: Sequence[str], roles: Roles, limits: Limits) -> None:
        live = self._relay.live(names)
        before = {name: self._controller.desired[name] for name in names}
        after = {name: with_roles(site, site.chargers[name], roles) for name in names}
        connected = self._controller.sightings.connected
        refuse_blocked(tuple(disruption_blocks(effects_of(before, after, live), live=connected, limits=limits)))


def _named(name: str, site: Site, state: Interventions) -> Outage:
    outages = {outage.name: outage for outage in (*site.outages, *state.begun)}
    plain = name.removeprefix("scheduled-outage.")
    outage = outages.get(plain)
    if outage is None:
        hint = did_you_mean(plain, outages, otherwise="fwdctl outage list shows all of them")
        raise UnknownAddress(f"there is no outage {name}", hint=hint)
    return outage


def _status(outage: Outage, state: Interventions, now: datetime) -> OutageStatus:
    held = open_at([outage], state.adjustments, now)
    coming = (one for one in upcoming(outage, state.adjustments, now, limit=50) if not one.cancelled)
    return OutageStatus(outage, held[-1] if held else None, next(coming, None))


def _when(status: OutageStatus) -> tuple[datetime, str]:
    soonest = status.open or status.next
    assert soonest is not None
    return soonest.opening, status.outage.name


def _roles(site: Site, names: Sequence[str], primary: str) -> Roles:
    """Return the roles that make `primary` primary on all these chargers; raises where that is not one change."""
    wanted = {name: toggle_roles(site.chargers[name], primary) for name in names}
    different = {tuple(sorted(roles.items())) for roles in wanted.values()}
    if len(different) > 1:
        raise FwdctlError(
            "these chargers have different primaries, so one outage can't be told to their partners",
            hint="begin one for the chargers of each binding",
        )
    roles = next(iter(wanted.values()))
    if not roles:
        raise FwdctlError(f"{primary} is their primary already", hint="fwdctl status shows who owns what")
    faults: list[Diagnostic] = []
    for name in names:
        try:
            with_roles(site, site.chargers[name], roles)
        except InvalidSpecs as error:
            faults += error.diagnostics
    if faults:
        raise InvalidSpecs(f"{primary} can't be primary on these chargers", faults, hint=faults[0].hint)
    return roles
