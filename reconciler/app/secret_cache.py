"""Resolved secrets, kept briefly: thousands of stations that come back at once do not mean thousands of reads."""

from collections import OrderedDict
from typing import Final

from reconciler.app.ports import Clock, Secrets
from reconciler.model.desired import SecretRef

KEPT_S: Final = 30.0
KEPT_MAX: Final = 20_000


class SecretCache:
    """Implements `Secrets` in front of another one; what does not resolve is asked for again each time."""

    def __init__(self, secrets: Secrets, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock
        self._kept: OrderedDict[tuple[SecretRef, str], tuple[bytes, float]] = OrderedDict()  # oldest first

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return the secret's bytes, at most `KEPT_S` old; raises SecretUnavailable."""
        kept = self._kept.get((ref, identity))
        if kept is not None and self._clock.monotonic_s() - kept[1] < KEPT_S:
            return kept[0]
        return self.resolve_anew(ref, identity)

    def resolve_anew(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return the secret's bytes as they are now, and keep them; raises SecretUnavailable."""
        self._kept.pop((ref, identity), None)
        value = self._secrets.resolve(ref, identity)
        self._kept[ref, identity] = value, self._clock.monotonic_s()
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return value
