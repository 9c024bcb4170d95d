"""Drift: what a charger's session runs against what it is to run; a change still under way is no drift."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from reconciler.model.desired import LOCAL, DesiredCharger
from reconciler.model.features import FEATURES
from reconciler.model.live import LiveCharger
from reconciler.planning.render import features


class State(StrEnum):
    """How a charger stands to what it is to run."""

    IN_SYNC = "in sync"
    PENDING = "pending"
    """A change was asked for, or is about to be, and isn't there yet."""
    REFUSED = "refused"
    """The relay said no to it; the last good generation keeps running."""
    DRIFTED = "drifted"
    """It ran what it is to run, and now differs with nobody having asked for it."""
    OFFLINE = "offline"
    """Nothing to compare: it runs the newest generation from its next connection."""


NEEDING_ATTENTION: Final = (State.DRIFTED, State.REFUSED)


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What the relay was last told to run on a charger; `confirmed` once it was seen to run it."""

    generation: int
    desired: DesiredCharger | None
    confirmed: bool = False


class FieldDrift(msgspec.Struct, frozen=True, gc=False):
    """One field as applied and as live, None where there is none: `owners.firmware`, `legs.grid.role`, `generation`."""

    field: str
    applied: str | None
    live: str | None


class Standing(msgspec.Struct, frozen=True, gc=False):
    """One charger's state, and in which respects it differs: in words for people, field by field for machines."""

    charger: str
    state: State
    differences: tuple[str, ...] = ()
    fields: tuple[FieldDrift, ...] = ()

    @property
    def needs_attention(self) -> bool:
        """Return True where live is not what was applied, and time alone won't change that."""
        return self.state in NEEDING_ATTENTION


def compare(
    charger: str,
    wanted: DesiredCharger | None,
    asked: Asked | None,
    live: LiveCharger | None,
    *,
    in_full: bool = True,
) -> Standing:
    """Return how a charger stands; `wanted` is its effective desired state, None where it is not declared.

    The fields that differ come only `in_full`: whoever looks at thousands for their state does without.
    """
    if live is None or not live.connected:
        return Standing(charger, State.OFFLINE)
    if asked is None or (asked.desired is not wanted and asked.desired != wanted):
        return Standing(charger, State.PENDING, ("the relay was not asked yet",))
    if live.refused is not None and live.refused.generation == asked.generation:
        return Standing(
            charger, State.REFUSED, (live.refused.reason,), _fields(wanted, asked.generation, live, in_full)
        )
    differences = tuple(_differences(wanted, asked.generation, live))
    if not differences:
        return Standing(charger, State.IN_SYNC)
    state = State.DRIFTED if asked.confirmed else State.PENDING
    return Standing(charger, state, differences, _fields(wanted, asked.generation, live, in_full))


def _differences(wanted: DesiredCharger | None, generation: int, live: LiveCharger) -> Iterator[str]:
    if wanted is None:
        yield "connected though it is not declared"
        return
    if live.owners is not None and live.owners is not wanted.owners and live.owners != wanted.owners:
        yield from _owner_differences(wanted.owners, live.owners)
    declared, running = _declared_roles(wanted), _running_roles(live)
    if running != declared:
        yield from _leg_differences(declared, running)
    if live.generation != generation:
        yield f"runs generation {live.generation}, not {generation}"


def _declared_roles(wanted: DesiredCharger) -> dict[str, str]:
    return {leg.backend.name: leg.role.name for leg in wanted.legs if leg.role.connected and leg.backend.name != LOCAL}


def _running_roles(live: LiveCharger) -> dict[str, str]:
    return {leg.backend: leg.role for leg in live.legs if leg.backend != LOCAL}


def _fields(wanted: DesiredCharger | None, generation: int, live: LiveCharger, in_full: bool) -> tuple[FieldDrift, ...]:
    """Return every field of a charger that is found to differ; a leg too many counts here, and alone never does."""
    if not in_full:
        return ()
    owners = wanted.owners if wanted is not None else {}
    declared, running = _declared_roles(wanted) if wanted is not None else {}, _running_roles(live)
    fields: dict[str, tuple[str | None, str | None]] = {}
    if live.owners is not None:
        fields |= {f"owners.{feature}": (owners.get(feature), live.owners.get(feature)) for feature in FEATURES}
    for backend in sorted(declared.keys() | running.keys()):
        fields[f"legs.{backend}.role"] = declared.get(backend), running.get(backend)
    fields["generation"] = str(generation), str(live.generation)
    return tuple(FieldDrift(field, *pair) for field, pair in fields.items() if pair[0] != pair[1])


def _owner_differences(wanted: Mapping[str, str], live: Mapping[str, str]) -> Iterator[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for feature in FEATURES:
        pair = live.get(feature, "nobody"), wanted.get(feature, "nobody")
        if pair[0] != pair[1]:
            groups.setdefault(pair, []).append(feature)
    for (is_now, is_to_be), moved in groups.items():
        yield f"{is_now} owns {features(moved)}, {is_to_be} is to"


def _leg_differences(declared: Mapping[str, str], running: Mapping[str, str]) -> Iterator[str]:
    """Yield what declared legs lack; one too many is none: it goes once its last answer has come."""
    for backend in sorted(declared.keys() | running.keys()):
        wanted, live = declared.get(backend), running.get(backend)
        if live is None:
            yield f"{backend} has no leg, it is to be {wanted}"
        elif wanted is not None and wanted != live:
            yield f"{backend} is {live}, it is to be {wanted}"
