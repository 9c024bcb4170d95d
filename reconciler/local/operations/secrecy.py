"""Settings that are nobody's business, and those that would lock the station out of the relay."""

import re
from typing import Final

_SECRET: Final = re.compile(r"auth.*key|password|passwd|secret|token|private.?key|\bpin\b|apn.*(user|pass)", re.I)
_OWN_LEG: Final = frozenset(
    {
        "authorizationkey",
        "securityprofile",
        "cponame",
        "securityctrlr.basicauthpassword",
        "securityctrlr.identity",
        "securityctrlr.organizationname",
        "securityctrlr.securityprofile",
        "ocppcommctrlr.networkconfigurationpriority",
    }
)
HIDDEN: Final = "(hidden)"


def is_secret(name: str) -> bool:
    """Return True for the name of a setting whose value is nobody's business, for example AuthorizationKey."""
    return _SECRET.search(name) is not None


def is_own_leg(name: str) -> bool:
    """Return True for a setting by which the station authenticates at the relay, or finds it (R13)."""
    return name.lower() in _OWN_LEG


def shown(name: str, value: str | None) -> str | None:
    """Return the value of a setting as it may be shown."""
    return HIDDEN if value and is_secret(name) else value
