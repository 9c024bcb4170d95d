"""Configuration keys of OCPP 1.6 that are about the leg: ChangeConfiguration, and what GetConfiguration reads back.

AuthorizationKey is write-only and takes effect with a new connection (A01). SecurityProfile goes only up, and only
where what the profile needs is there (A05). Every other key that would move the leg elsewhere is refused: where a
back-end is dialled is the spec's to say.
"""

from dataclasses import replace
from typing import Final

from reconciler.as_charger.asked import BASIC_PROFILES, Asked, Decision, rejected
from reconciler.as_charger.passwords import readings

ORGANIZATION_MAX: Final = 50


def change_configuration(asked: Asked) -> Decision:
    """Decide on ChangeConfiguration.req for a key of the leg."""
    key, value = str(asked.payload.get("key", "")).lower(), asked.payload.get("value")
    if key == "authorizationkey":
        return _authorization_key(asked, value)
    return rejected()


def _authorization_key(asked: Asked, value: object) -> Decision:
    passwords = readings(asked.version, value)
    if not passwords:
        return rejected()
    candidates = tuple(replace(asked.settings, password=password) for password in passwords)
    return Decision({"status": "Accepted"}, candidates, reconnect=asked.profile in BASIC_PROFILES)
