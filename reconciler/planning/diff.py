"""Diff: which resources differ, found by equality, and the leaves that differ in the few that do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.model.plan import Action, FieldChange, ResourceChange
from reconciler.model.site import Resource
from reconciler.planning.order import in_order

_NAMES_OF_ITEMS: Final = ("backend", "identity", "name", "email", "vendorId")
"""What tells the items of a list apart, where all of them have it and no two share it."""


def diff_resources(
    applied: Mapping[str, Resource], wanted: Mapping[str, Resource], versions: Mapping[str, int]
) -> tuple[ResourceChange, ...]:
    """Return what turns `applied` into `wanted` (both by address), in the order of `order.py`.

    `versions` holds the version of every applied resource.
    """
    changes = []
    for address in applied.keys() | wanted.keys():
        before, after = applied.get(address), wanted.get(address)
        if before is not after and before != after:
            changes.append(_change(address, before, after, versions.get(address, 0)))
    return in_order(changes)


def field_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[FieldChange, ...]:
    """Return the leaves in which two documents differ, in reading order; None is no document at all."""
    return tuple(_walk("", before or {}, after or {}))


def _change(address: str, before: Resource | None, after: Resource | None, version: int) -> ResourceChange:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    old = before.content if before else None
    new = after.content if after else None
    fields = field_changes(old, new)
    first = next((field.path for field in fields if field.path.startswith("spec.")), "")
    return ResourceChange(
        address=address,
        action=action,
        before=old,
        after=new,
        fields=fields,
        seen_version=version,
        position=after.position(first.partition("[")[0] if action is Action.UPDATE else "") if after else None,
    )


def _walk(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if before == after:
        return
    if _is_branch(before, after, Mapping):
        old, new = before or {}, after or {}
        for key in dict.fromkeys([*new, *old]):
            yield from _walk(f"{path}.{key}" if path else str(key), old.get(key), new.get(key))
    elif _is_branch(before, after, list) and (name := _name_of_items(before or [], after or [])):
        yield from _walk_items(path, name, before or [], after or [])
    else:
        yield FieldChange(path, before, after)


def _walk_items(path: str, name: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[FieldChange]:
    old = {item[name]: item for item in before}
    new = {item[name]: item for item in after}
    common = old.keys() & new.keys()
    if [key for key in old if key in common] != [key for key in new if key in common]:
        yield FieldChange(f"{path}[order]", list(old), list(new))
    for key in dict.fromkeys([*new, *old]):
        yield from _walk(f"{path}[{key}]", _without(old.get(key), name), _without(new.get(key), name))


def _is_branch(before: Any, after: Any, kind: type) -> bool:
    """Return True where one side is a non-empty `kind` and the other is one too, or is not there at all."""
    sides = [side for side in (before, after) if side is not None]
    return any(sides) and all(isinstance(side, kind) for side in sides)


def _name_of_items(before: Sequence[Any], after: Sequence[Any]) -> str:
    return next((name for name in _NAMES_OF_ITEMS if _names(name, before) and _names(name, after)), "")


def _names(name: str, items: Sequence[Any]) -> bool:
    if not all(isinstance(item, Mapping) and isinstance(item.get(name), str) for item in items):
        return False
    return len({item[name] for item in items}) == len(items)


def _without(item: Mapping[str, Any] | None, name: str) -> dict[str, Any] | bool | None:
    """Return the item without what already stands in the path; one that is nothing but its name is True."""
    if item is None:
        return None
    return {key: value for key, value in item.items() if key != name} or True
