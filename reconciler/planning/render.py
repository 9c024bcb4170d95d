"""What both renderings of a plan say in words: symbols, headline, short lists of names."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from reconciler.model.features import FEATURES
from reconciler.model.local_rules import Coverage
from reconciler.model.plan import Absent, Action, Disruption, Effect, FieldChange, Move, Plan, ResourceChange

SYMBOLS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
FIRST_NAMES: Final = 5
"""How many chargers a short list names; the count is always whole."""

ALIKE_MIN: Final = 10
"""Up to so many changes that look the same are listed one by one."""

VARIED_MIN: Final = 50
"""Up to so many changes of the same fields to different values are listed one by one."""

WARNINGS_MAX: Final = 20
"""Warnings that are told where not all are asked for."""

NO_CHANGES: Final = "No changes. What is applied matches the specs."


def headline(plan: Plan) -> str:
    """Return the one line that says what the plan does; its form is an interface, people look for it in logs."""
    if plan.is_empty:
        return NO_CHANGES
    counts = plan.summary
    return f"Plan: {counts.add} to add, {counts.change} to change, {counts.destroy} to destroy."


def effects_line(plan: Plan) -> str:
    """Return the line that counts what happens to chargers, "" where nothing does."""
    counts = plan.summary
    parts = [
        (counts.flip, "flipped live"),
        (counts.reconnect, "reconnected"),
        (counts.disconnect, "disconnected"),
        (counts.refused, "waiting"),
        (counts.unnoticed, "unnoticed"),
        (counts.deferred, "deferred"),
    ]
    told = [f"{count} {what}" for count, what in parts if count]
    return f"Effects: {', '.join(told)}." if told else ""


def chargers(count: int) -> str:
    """Return "1 charger", "2 chargers"."""
    return f"{count} charger{'' if count == 1 else 's'}"


def names(items: Sequence[str], *, verbose: bool) -> str:
    """Return the names, all of them where `verbose`, else the first few and how many more there are."""
    if verbose or len(items) <= FIRST_NAMES + 1:
        return ", ".join(items)
    return f"{', '.join(items[:FIRST_NAMES])} and {len(items) - FIRST_NAMES} more"


def effect_title(effect: Effect) -> str:
    """Return the disruption class of an effect: "live flip", say; where it is refused, until when."""
    return f"refused until {effect.until}" if effect.disruption is Disruption.REFUSED else effect.disruption.value


def effect_count(effect: Effect) -> str:
    """Return how many chargers an effect has, with an open transaction and offline."""
    extra = []
    if effect.in_transaction:
        extra.append(f"{len(effect.in_transaction)} with an open transaction")
    if effect.deferred:
        when = "" if effect.disruption is Disruption.DISCONNECT else ", at the next connection"
        extra.append(f"{len(effect.deferred)} offline{when}")
    return chargers(len(effect.names)) + (f" ({'; '.join(extra)})" if extra else "")


def coverage_lines(coverage: Coverage, *, verbose: bool) -> tuple[str, ...]:
    """Return on which chargers a policy or rule acts, then on which it does not and why, a line each."""
    acts_on = f": {names(coverage.acts_on, verbose=verbose)}" if coverage.acts_on else ""
    elsewhere = (
        f"not {chargers(len(found))}, {reason}: {names(found, verbose=verbose)}" for reason, found in coverage.elsewhere
    )
    return f"{coverage.address} {coverage.what} {chargers(len(coverage.acts_on))}{acts_on}", *elsewhere


def lagging(plan: Plan) -> list[tuple[str, tuple[str, ...]]]:
    """Return why chargers do not run what is already applied, and which; those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for pending in plan.pending:
        reasons.setdefault(pending.reason, []).append(pending.charger)
    return [(reason, tuple(found)) for reason, found in reasons.items()]


def absent_text(absent: Absent, *, verbose: bool) -> str:
    """Return which offline chargers take up later what is already applied, "" where there are none."""
    if not absent.count:
        return ""
    shown = absent.first if verbose or absent.count <= FIRST_NAMES + 1 else absent.first[:FIRST_NAMES]
    more = f" and {absent.count - len(shown)} more" if len(shown) < absent.count else ""
    return f"{', '.join(shown)}{more}: offline, at {'its' if absent.count == 1 else 'their'} next connection"


def move_text(move: Move) -> str:
    """Return who loses what to whom: "smart-charging: partner-pay -> grid-co"."""
    return f"{features(move.features)}: {move.before or 'nobody'} -> {move.after or 'nobody'}"


def features(owned: Sequence[str]) -> str:
    """Return a list of features, short where it is all of them, or all but a few."""
    missing = [feature for feature in FEATURES if feature not in owned]
    if not missing:
        return "every feature"
    if len(missing) <= 3 and len(owned) > len(missing) + 1:
        return f"every feature but {', '.join(missing)}"
    return ", ".join(owned)


def field_symbol(field: FieldChange) -> str:
    """Return "+" for a field that comes, "-" for one that goes, else "~"."""
    return "+" if field.before is None else "-" if field.after is None else "~"


def field_value(field: FieldChange) -> str:
    """Return what a field becomes: "new", "old" or "old -> new"."""
    if field.before is None:
        return value_text(field.after)
    if field.after is None:
        return value_text(field.before)
    return f"{value_text(field.before)} -> {value_text(field.after)}"


def value_text(value: Any) -> str:
    """Return a value on one line, as YAML would write it in flow style; text that could deceive is quoted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(value_text, value)) + "]"
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "null"
    text = str(value)
    plain = isinstance(value, int | float) or (text.strip() == text and text.isprintable() and text)
    return text if plain else ascii(text)


class FieldLine(msgspec.Struct, frozen=True):
    """One field of changes that are shown together: "+", "~" or "-", its path, and what it becomes."""

    symbol: str
    path: str
    text: str


class Alike(msgspec.Struct, frozen=True):
    """Changes of one kind of resource that touch the same fields, shown as one; at least one."""

    changes: tuple[ResourceChange, ...]

    @property
    def first(self) -> ResourceChange:
        """Return the one that stands for all."""
        return self.changes[0]

    @property
    def title(self) -> str:
        """Return whom they are about: "charger.cp001", or "9000 x charger: cp001, cp002, ... and 8995 more"."""
        if len(self.changes) == 1:
            return self.first.address
        kind = self.first.address.partition(".")[0]
        several = [change.address.partition(".")[2] for change in self.changes]
        return f"{len(several)} x {kind}: {names(several, verbose=False)}"

    @property
    def fields(self) -> Iterator[FieldLine]:
        """Yield each field with what it becomes; where that is not the same for all, with what it does first."""
        for position, field in enumerate(self.first.fields):
            found = dict.fromkeys(field_value(change.fields[position]) for change in self.changes)
            yield FieldLine(field_symbol(field), field.path, names(list(found), verbose=False))


def alike(changes: Sequence[ResourceChange], *, verbose: bool) -> list[Alike]:
    """Return the changes in their order, long runs of the same put together unless `verbose`.

    First come together those that read the same; then, of what is left, those that touch the same fields.
    """
    if verbose:
        return [Alike((change,)) for change in changes]
    found: list[Alike] = []
    for shape in _grouped(changes, _shape):
        if len(shape) <= ALIKE_MIN:
            found += [Alike((change,)) for change in shape]
            continue
        same = _grouped(shape, _look)
        found += [Alike(tuple(group)) for group in same if len(group) > ALIKE_MIN]
        rest = [change for group in same if len(group) <= ALIKE_MIN for change in group]
        found += [Alike(tuple(rest))] if len(rest) > VARIED_MIN else [Alike((change,)) for change in rest]
    return found


def _grouped(
    changes: Iterable[ResourceChange], by: Callable[[ResourceChange], tuple[object, ...]]
) -> list[list[ResourceChange]]:
    groups: dict[tuple[object, ...], list[ResourceChange]] = {}
    for change in changes:
        groups.setdefault(by(change), []).append(change)
    return list(groups.values())


def _shape(change: ResourceChange) -> tuple[object, ...]:
    """Return which fields of what kind of resource a change touches, and how; only updates show their fields."""
    kind = change.address.partition(".")[0]
    if change.action is not Action.UPDATE:
        return change.action, kind
    return change.action, kind, tuple((field.path, field_symbol(field)) for field in change.fields)


def _look(change: ResourceChange) -> tuple[object, ...]:
    """Return what a change of a shape looks like apart from its name."""
    return tuple(field_value(field) for field in change.fields) if change.action is Action.UPDATE else ()


def place(change: ResourceChange) -> str:
    """Return `file:line` of a change, `revision 17` of one that goes back there, "" where it has no place."""
    return change.position.in_line if change.position else ""
