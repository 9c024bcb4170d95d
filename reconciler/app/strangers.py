"""Stations that knocked and that nobody declared: remembered, so that a fleet can be taken on as it really is."""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconciler.app.legs import Knock
from reconciler.model.live import Stranger

REMEMBERED_MAX: Final = 1000
VERSIONS_MAX: Final = 8
VERSION_LENGTH_MAX: Final = 32


class Strangers:
    """The newest of them by identity, in memory; whoever knocks longest ago is forgotten first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Stranger] = OrderedDict()

    def knocked(self, knock: Knock, at: datetime) -> None:
        """Remember a knock; never anything that the station said as a secret."""
        key = knock.identity.casefold()
        before = self._seen.pop(key, None)
        stranger = Stranger(knock.identity, _offered(knock), _profile(knock), at)
        self._seen[key] = replace(stranger, knocks=before.knocks + 1) if before is not None else stranger
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)

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
