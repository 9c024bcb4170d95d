"""Configuration keys of OCPP 1.6 that a back-end sets on its leg.

AuthorizationKey is write-only and takes effect with a new connection (A01). SecurityProfile goes only up, and only
where what the profile needs is there (A05). Every other key that would move the leg elsewhere is refused: where a
back-end is dialled is the spec's to say.
"""

from typing import Final

from msgspec.structs import replace

from reconciler.as_charger.asked import BASIC_PROFILES, Asked, Decision, rejected
from reconciler.as_charger.passwords import readings

ORGANIZATION_MAX: Final = 50


def change_configuration(asked: Asked) -> Decision:
    """Decide on ChangeConfiguration.req for a key of the leg."""
    key, value = str(asked.payload.get("key", "")).lower(), asked.payload.get("value")
    if key == "authorizationkey":
        return _authorization_key(asked, value)
    if key == "securityprofile":
        return _security_profile(asked, value)
    if key == "cponame" and isinstance(value, str) and 0 < len(value) <= ORGANIZATION_MAX:
        return Decision({"status": "Accepted"}, (replace(asked.settings, organization=value),))
    return rejected()


def _security_profile(asked: Asked, value: object) -> Decision:
    profile = int(value) if value in ("1", "2", "3") else 0
    if profile <= asked.profile or not asked.may_have(profile):
        return rejected()
    return Decision({"status": "Accepted"}, (replace(asked.settings, profile=profile),), reconnect=True)


def _authorization_key(asked: Asked, value: object) -> Decision:
    passwords = readings(asked.version, value)
    if not passwords:
        return rejected()
    candidates = tuple(replace(asked.settings, password=password) for password in passwords)
    return Decision({"status": "Accepted"}, candidates, reconnect=asked.profile in BASIC_PROFILES)
