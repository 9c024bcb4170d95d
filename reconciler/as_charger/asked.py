"""What a back-end asks of the charger that the relay plays, and what is decided on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.as_charger.settings import LegSettings, profile_of
from reconciler.model.desired import Backend

Payload = Mapping[str, Any]

BASIC_PROFILES: Final = (1, 2)


@dataclass(frozen=True, slots=True)
class Asked:
    """A CALL about the leg: `settings` are in force, `declared` is the spec's back-end."""

    version: str
    action: str
    payload: Payload
    identity: str
    declared: Backend
    settings: LegSettings

    @property
    def profile(self) -> int:
        """Return the leg's security profile."""
        return profile_of(self.declared, self.settings)

    @property
    def has_password(self) -> bool:
        """Return True where the leg has a password, in use or not."""
        return self.settings.password is not None or self.declared.security.password is not None


@dataclass(frozen=True, slots=True)
class Decision:
    """`answer` is the CALLRESULT's payload.

    `candidates` are the settings that this leads to, the likeliest first, () for no change. With `reconnect` they are
    put to the proof by a new connection; else the first simply counts.
    """

    answer: Payload
    candidates: tuple[LegSettings, ...] = ()
    reconnect: bool = False


def rejected(**more: Any) -> Decision:
    """Return the refusal that most actions have."""
    return Decision({"status": "Rejected", **more})
