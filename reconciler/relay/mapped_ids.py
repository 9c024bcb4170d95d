"""Ids that back-ends choose: one id space at the station, one of its own for each back-end (R9).

    back-end A: reservation 7 ──> station: 7        kept as it is, unless another back-end's stands there already
    back-end B: reservation 7 ──> station: 8        a free one near it
    station: reservation 8 ─────> back-end B: 7, back-end A: 8 (or one that A does not use itself)

Ids are JSON scalars, kept as the bytes they are written in: integers of any size, or strings.
"""

from collections import OrderedDict
from collections.abc import Container, Mapping
from typing import Any, Final

from reconciler.relay.id_fields import Fields, IdKind
from reconciler.relay.splice import find_values, replace_span

_REMEMBERED_MAX: Final = 256
"""Ids kept per charger and kind; the oldest go first (R15)."""
_NOTHING: Final[OrderedDict[bytes, dict[str, bytes]]] = OrderedDict()
_INT64_DIGITS: Final = 19
_INT32_MAX: Final = 2**31 - 1


class MappedIds:
    """All chosen ids of one charger."""

    __slots__ = ("_kinds",)

    def __init__(self) -> None:
        self._kinds: dict[IdKind, OrderedDict[bytes, dict[str, bytes]]] = {}

    def to_station(self, backend: str, fields: Fields, payload: bytes) -> tuple[bytes, bool]:
        """Return a back-end's payload with the station's ids, and True where an id was chosen that must be kept."""
        minted = False
        for kind, path in fields:
            for span in reversed(find_values(payload, path)):
                theirs = payload[span[0] : span[1]]
                known = self._station_id(kind, backend, theirs)
                minted |= known is None
                ours = known or self._choose(kind, backend, theirs)
                payload = payload if ours == theirs else replace_span(payload, span, ours)
        return payload, minted

    def to_backend(self, backend: str, fields: Fields, payload: bytes) -> bytes:
        """Return the station's payload with the ids that `backend` knows."""
        for kind, path in fields:
            if not self._kinds.get(kind):
                continue
            for span in reversed(find_values(payload, path)):
                ours = payload[span[0] : span[1]]
                theirs = self._backend_id(kind, backend, ours)
                payload = payload if theirs == ours else replace_span(payload, span, theirs)
        return payload

    def _station_id(self, kind: IdKind, backend: str, theirs: bytes) -> bytes | None:
        for ours, known in self._kinds.get(kind, _NOTHING).items():
            if known.get(backend) == theirs:
                return ours
        return None

    def _choose(self, kind: IdKind, backend: str, theirs: bytes) -> bytes:
        table = self._kinds.setdefault(kind, OrderedDict())
        ours = theirs if theirs not in table else _free_id(theirs, table.keys())
        table[ours] = {backend: theirs}
        _bound(table)
        return ours

    def _backend_id(self, kind: IdKind, backend: str, ours: bytes) -> bytes:
        table = self._kinds[kind]
        known = table.get(ours)
        if known is not None and backend in known:
            return known[backend]
        used = {ids[backend] for ids in table.values() if backend in ids}
        alias = ours if ours not in used else _far_id(ours, used)
        if alias != ours:  # lest it take another's id for its own
            table.setdefault(ours, {})[backend] = alias
            _bound(table)
        return alias

    def snapshot(self) -> Mapping[str, Any]:
        """Return the tables as JSON data: kind -> list of [station id, {back-end: its id}]."""
        return {
            kind.value: [[ours.decode(), _text(ids)] for ours, ids in table.items()]
            for kind, table in self._kinds.items()
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over a snapshot."""
        self._kinds = {
            IdKind(kind): OrderedDict(
                (str(ours).encode(), {str(name): str(id_).encode() for name, id_ in ids.items()}) for ours, ids in rows
            )
            for kind, rows in snapshot.items()
        }


def _bound(table: OrderedDict[bytes, dict[str, bytes]]) -> None:
    if len(table) > _REMEMBERED_MAX:
        table.popitem(last=False)


def _text(ids: Mapping[str, bytes]) -> dict[str, str]:
    return {backend: id_.decode() for backend, id_ in ids.items()}


def _far_id(of: bytes, taken: Container[bytes]) -> bytes:
    """Return an id that is not taken, and that its hearer will hardly choose by itself one day."""
    if of[:1] == b'"':
        return _free_id(of, taken)
    number = _INT32_MAX
    while (candidate := str(number).encode()) in taken:
        number -= 1
    return candidate


def _free_id(near: bytes, taken: Container[bytes]) -> bytes:
    """Return an id that is not taken: of the same shape as `near`, a small integer where that has no sane one."""
    if near[:1] == b'"':
        stem, number = near[1:-1][:30], 2
        while (candidate := b'"%b-%d"' % (stem, number)) in taken:
            number += 1
        return candidate
    number = int(near) if len(near) <= _INT64_DIGITS and near.lstrip(b"-").isdigit() else 1
    while (candidate := str(number).encode()) in taken:
        number = 1 if number == _INT32_MAX else number + 1
    return candidate
