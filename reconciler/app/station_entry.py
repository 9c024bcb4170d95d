"""Whether a station may come in: known, not failing too often, by its own door, with its own credentials."""

from reconciler.app.charger_slot import ChargerSlot
from reconciler.app.failure_limits import FailureLimits, address_of
from reconciler.app.legs import Knock, Refuse
from reconciler.app.ports import Clock, Secrets
from reconciler.app.secret_cache import SecretCache
from reconciler.app.station_access import check_credentials, choose_version
from reconciler.app.station_channel import check_channel, check_downgrade
from reconciler.app.stored_passwords import StoredPasswords

TOO_MANY = 429
ITS_FAULT = (401, 403, 404)
"""Refusals that say something about the station; all others are about us or about a back-end."""


class StationEntry:
    """Judges knocks, and remembers who fails; `organization` as in `check_channel`."""

    def __init__(self, secrets: Secrets, clock: Clock, organization: str, passwords: StoredPasswords) -> None:
        self._secrets = SecretCache(secrets, clock)
        self._passwords = passwords
        self._clock = clock
        self._organization = organization
        self._limits = FailureLimits()

    async def refusal(self, knock: Knock, slot: ChargerSlot | None) -> Refuse | None:
        """Return why this station may not come in, or None where it may; `slot` is None for an unknown identity."""
        address, charger, proven = _who(knock, slot)
        now_s = self._clock.monotonic_s()
        wait_s = self._limits.wait_s(address, charger, proven=proven, now_s=now_s)
        if wait_s > 0:
            return Refuse(
                TOO_MANY, "too many failed attempts", retry_after_s=wait_s, security_event="too-many-failures"
            )
        return await self._judged(knock, slot)

    def concluded(self, knock: Knock, slot: ChargerSlot | None, refused: Refuse | None) -> None:
        """Learn how it ended, what back-ends said of the station included."""
        address, charger, proven = _who(knock, slot)
        if refused is None and slot is not None:
            slot.last_address = address
            slot.certificate_expires_s = 0.0 if knock.certificate is None else knock.certificate.expires_at.timestamp()
        elif refused is not None and refused.status in ITS_FAULT:
            self._limits.failed(address, charger, proven=proven, now_s=self._clock.monotonic_s())

    async def _judged(self, knock: Knock, slot: ChargerSlot | None) -> Refuse | None:
        if slot is None:
            return Refuse(404, "unknown charging station", security_event="unknown-station")
        charger, secrets = slot.desired, self._secrets
        return (
            check_channel(knock, charger, secrets, self._organization)
            or check_downgrade(charger, slot.highest_profile, choose_version(knock, charger))
            or await check_credentials(knock, charger, secrets, self._passwords)
        )


def _who(knock: Knock, slot: ChargerSlot | None) -> tuple[str, str | None, bool]:
    address = address_of(knock.remote)
    if slot is None:
        return address, None, False
    return address, slot.desired.name, slot.last_address == address
