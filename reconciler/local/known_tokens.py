"""Id tokens that owners accepted lately, per charger or site, so that `local` may accept them again."""

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

_LATELY: Final = timedelta(days=30)
_TOKENS_MAX: Final = 100_000


class KnownTokens:
    """A bounded memory of accepted tokens; holds keyed digests, never the tokens themselves."""

    __slots__ = ("_accepted", "_key")

    def __init__(self, key: bytes) -> None:
        self._accepted: OrderedDict[bytes, datetime] = OrderedDict()
        self._key = key

    def accepted(self, scope: str, token: str, now: datetime) -> None:
        """Note that an owner accepted `token` in `scope` (a site or a charger)."""
        digest = self._digest(scope, token)
        self._accepted[digest] = now
        self._accepted.move_to_end(digest)
        if len(self._accepted) > _TOKENS_MAX:
            self._accepted.popitem(last=False)

    def knows(self, scope: str, token: str, now: datetime) -> bool:
        """Return True where `token` was accepted in `scope` lately."""
        at = self._accepted.get(self._digest(scope, token))
        return at is not None and now - at <= _LATELY

    def _digest(self, scope: str, token: str) -> bytes:
        # Id tokens are compared without regard to case in every version.
        return blake2b(f"{scope}\x00{token.casefold()}".encode(), key=self._key, digest_size=16).digest()
