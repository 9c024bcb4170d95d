"""Stations that knocked and that nobody declared: noted, so that a fleet can be taken on as it really is."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from reconciler.app.legs import Knock
from reconciler.model.live import Stranger

REMEMBERED_MAX: Final = 1000
VERSIONS_MAX: Final = 8
VERSION_LENGTH_MAX: Final = 32


def stranger_of(knock: Knock, at: datetime) -> Stranger:
    """Return what is remembered of a knock; never anything that the station said as a secret."""
    return Stranger(knock.identity, _offered(knock), _profile(knock), at)


class Strangers:
    """Those that knocked since they were last written down; bounded, who knocked longest ago is dropped first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Stranger] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._seen)

    def add(self, stranger: Stranger) -> None:
        """Add a knock, or several of one identity."""
        key = stranger.identity.casefold()
        before = self._seen.pop(key, None)
        self._seen[key] = replace(stranger, knocks=before.knocks + stranger.knocks) if before is not None else stranger
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)

    def followed_by(self, newer: "Strangers") -> "Strangers":
        """Return both in one."""
        both = Strangers()
        for stranger in (*self.all(), *newer.all()):
            both.add(stranger)
        return both

    def all(self) -> tuple[Stranger, ...]:
        """Return them, who knocked longest ago first."""
        return tuple(self._seen.values())


def _offered(knock: Knock) -> tuple[str, ...]:
    """Return what it offered, bounded: whoever knocks may say anything."""
    return tuple(text[:VERSION_LENGTH_MAX] for text in knock.subprotocols[:VERSIONS_MAX])


def _profile(knock: Knock) -> int:
    """Return the security profile of the way a station came."""
    if knock.certificate is not None:
        return 3
    if knock.tls:
        return 2
    return 1 if knock.authorization is not None else 0
