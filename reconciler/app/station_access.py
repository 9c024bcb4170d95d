"""Who may connect as which charging station: password and version, and the words with which others are refused."""

import base64
import binascii

from reconciler.app.legs import Knock, Refuse
from reconciler.app.secret_cache import SecretCache
from reconciler.app.stored_passwords import StoredPasswords
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import DesiredCharger, SecretRef

BASIC_AUTH_PROFILES = (1, 2)
PASSWORD_BYTES_MAX = 128
"""64 bytes, the most that any version allows, in their hex form."""


async def check_credentials(
    knock: Knock, charger: DesiredCharger, secrets: SecretCache, passwords: StoredPasswords
) -> Refuse | None:
    """Return why this station may not come in, or None where it may (security profiles 1 and 2 have a password).

    The user name is the identity as the station uses it in its URL. A password split at the first colon may hold
    colons itself.
    """
    if charger.security.profile not in BASIC_AUTH_PROFILES:
        return None
    if _passes_credentials_on(charger) and charger.security.password is None:
        return None  # the back-end judges them, before this handshake is answered
    user, password = _basic(knock.authorization)
    if user is None or user.lower() != knock.identity.lower().encode():
        return _failed_login("no user name that equals the identity")
    if charger.security.password is None:
        return Refuse(401, f"no password is declared for {charger.name}")
    if len(password) > PASSWORD_BYTES_MAX:
        return _failed_login("a password longer than any")
    try:
        matches = await _matches(password, charger.security.password, charger.identity, secrets, passwords)
    except SecretUnavailable as unavailable:
        return Refuse(503, unavailable.summary, retry_after_s=60)
    if matches or await _matches_previous(password, charger, secrets, passwords):
        return None
    return _failed_login("wrong password")


def _failed_login(reason: str) -> Refuse:
    return Refuse(401, reason, security_event="failed-login")


async def _matches(
    given: bytes, ref: SecretRef, identity: str, secrets: SecretCache, passwords: StoredPasswords
) -> bool:
    kept = secrets.resolve(ref, identity)
    if await passwords.matches(given, kept):
        return True
    anew = secrets.resolve_anew(ref, identity)  # it may have changed just now
    return anew != kept and await passwords.matches(given, anew)


async def _matches_previous(
    given: bytes, charger: DesiredCharger, secrets: SecretCache, passwords: StoredPasswords
) -> bool:
    """Tell whether a station still has the password before; the window lasts as long as that one resolves."""
    previous = charger.security.password_previous
    try:
        return previous is not None and await passwords.matches(given, secrets.resolve_anew(previous, charger.identity))
    except SecretUnavailable:
        return False


def choose_version(knock: Knock, charger: DesiredCharger) -> str | None:
    """Return the version for the session: the first the station offers that the charger may speak and every owner can.

    None where there is none: no leg translates, so the station's version is that of all its legs. A station that
    offers nothing at all speaks what its quirk `assumeVersion` says.
    """
    owners = set(charger.owners.values())
    spoken = [set(leg.backend.versions) for leg in charger.legs if leg.backend.name in owners]
    assumed = (charger.quirks.assume_version,) if charger.quirks.assume_version else ()
    for version in knock.subprotocols or assumed:
        if version in charger.versions and all(version in versions for versions in spoken):
            return version
    return None


def must_reconnect(running: DesiredCharger, desired: DesiredCharger, version: str) -> str | None:
    """Return why a live station has to connect anew for `desired`, or None where it need not."""
    if running.identity.casefold() != desired.identity.casefold():
        return "its identity changed"
    if running.security != desired.security:
        return "its security profile changed"
    if running.quirks != desired.quirks:
        return "its quirks changed"
    if version not in desired.versions:
        return f"{version} is no longer among its versions"
    return None


def _passes_credentials_on(charger: DesiredCharger) -> bool:
    return any(leg.credentials == "passthrough" for leg in charger.legs)


def _basic(header: str | None) -> tuple[bytes | None, bytes]:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None, b""
    return (user if colon else None), password
