"""Limits on failed handshakes, by address and by charger, asked before any secret is read or compared.

Only failures count, so a storm of stations that all come back with the right password never meets a limit.
"""

import ipaddress
from typing import Final

from reconciler.app.allowances import Allowance, Allowances

OF_ADDRESS: Final = Allowance(burst=200, per_s=10.0)
"""Generous: a whole site may stand behind one address."""
OF_CHARGER: Final = Allowance(burst=20, per_s=1.0)
IPV6_SITE_BITS: Final = 64
"""What one customer has of IPv6 addresses counts as one."""


class FailureLimits:
    """What is left to addresses and chargers that fail."""

    def __init__(self) -> None:
        self._left = Allowances()

    def wait_s(self, address: str, charger: str | None, *, proven: bool, now_s: float) -> int:
        """Return how long this attempt has to wait, in whole seconds; 0 where it need not.

        `proven`: the charger came in from this address last. Then the failures of others don't count against it:
        nobody can lock a station out by failing in its name, or next to it.
        """
        buckets = _buckets_of(address, charger, proven)
        return max(self._left.wait_s(key, allowance, now_s) for key, allowance in buckets)

    def failed(self, address: str, charger: str | None, *, proven: bool, now_s: float) -> None:
        """Count a failure."""
        for key, allowance in _buckets_of(address, charger, proven):
            self._left.take(key, allowance, now_s)


def _buckets_of(address: str, charger: str | None, proven: bool) -> list[tuple[tuple[str, str], Allowance]]:
    if charger is not None and proven:
        return [((address, charger), OF_CHARGER)]
    buckets = [((address, ""), OF_ADDRESS)]
    if charger is not None:
        buckets.append((("", charger), OF_CHARGER))
    return buckets


def address_of(remote: str) -> str:
    """Return what counts as one address of "host:port": the host, of IPv6 its first 64 bits."""
    host = remote.rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, IPV6_SITE_BITS), strict=False))
