"""Passed: how many messages passed of a charger, by lane, counted over all its sessions with this process."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from reconciler.app.station_session import StationSession

UP: Final = "↑"
"""The lane of what chargers sent; no back-end can have such a name."""
DOWN: Final = "↓"
"""The lane of what was sent to chargers."""

Passed = Mapping[str, int]
"""Lane (UP, DOWN or a back-end) -> how many messages; a back-end's are the frames between it and the relay."""


class PassedOfCharger:
    """One charger's counts: of the sessions that ended, and of the one that runs."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: Passed = {}

    def now(self, session: StationSession | None) -> Passed:
        """Return all that passed so far; `session` is the one that runs."""
        return self._before if session is None else Counter(self._before) + Counter(_in(session))

    def ended(self, session: StationSession) -> None:
        """Take over what a session counted that is forgotten now."""
        self._before = self.now(session)


def _in(session: StationSession) -> Passed:
    legs = session.core.state.legs.values()
    return {UP: session.frames.up, DOWN: session.frames.down, **{leg.name: leg.frames for leg in legs}}
