"""Allotments: what a charger may draw at most, given what it accepted, what it was asked, and what nobody knows.

asked ──accepted──> the limit, once the station has followed it down
  ├──rejected─────> nothing changed
  └──lost─────────> may have been taken or not: the higher of the two counts until something is accepted
"""

from typing import Final, Literal

FOLLOW_S: Final = 10.0
"""So long a car may take to come down to a limit that its charger accepted (IEC 61851 gives it 5 s)."""

_RETRY_FIRST_S: Final = 5.0
_RETRY_LAST_S: Final = 120.0

Outcome = Literal["accepted", "rejected", "lost"]


class Allotment:
    """One charger's limit. Power in W, times in monotonic seconds."""

    __slots__ = (
        "_falling",
        "_unsure_w",
        "asked_at_s",
        "asked_w",
        "failures",
        "limit_w",
        "problem",
        "raised_at_s",
        "retry_at_s",
    )

    def __init__(self, limit_w: float | None = None) -> None:
        self.limit_w = limit_w
        """The limit that stands as far as is known; None: none of ours."""
        self.asked_w: float | None = None
        self.asked_at_s = 0.0
        self.raised_at_s = 0.0
        """When it last accepted more than it had."""
        self.failures = 0
        self.retry_at_s = 0.0
        self.problem = ""
        """Why the last request came to nothing."""
        self._unsure_w = 0.0
        self._falling: list[tuple[float, float]] = []

    def ceiling_w(self, rated_w: float, now_s: float) -> float:
        """Return what the charger may draw at most now."""
        if self.limit_w is None:
            return rated_w
        falling = [watts for until_s, watts in self._falling if now_s < until_s]
        return min(rated_w, max(self.limit_w, self.asked_w or 0.0, self._unsure_w, *falling, 0.0))

    def is_falling(self, now_s: float) -> bool:
        """Return True while the car may still be on its way down to what was accepted."""
        return any(now_s < until_s for until_s, _ in self._falling)

    def durable_w(self, rated_w: float) -> float | None:
        """Return the highest limit that may stand in the station, whatever becomes of this process; None for none."""
        return None if self.limit_w is None else min(rated_w, max(self.limit_w, self.asked_w or 0.0, self._unsure_w))

    def ask(self, watts: float, now_s: float) -> None:
        """Note that the charger was asked to keep to `watts`."""
        self.asked_w, self.asked_at_s = watts, now_s

    def answered(self, outcome: Outcome, before_w: float, now_s: float, problem: str = "") -> None:
        """Note what became of the request; `before_w` is what the charger was counted with until now."""
        asked_w, self.asked_w = self.asked_w, None
        if asked_w is None:
            return
        if outcome != "accepted":
            self.failures += 1
            wait_s = min(_RETRY_LAST_S, _RETRY_FIRST_S * 2.0 ** min(self.failures - 1, 8))
            self.retry_at_s, self.problem = now_s + wait_s, problem
            if outcome == "lost":
                self._unsure_w = max(self._unsure_w, asked_w)
            return
        self._falling = [fall for fall in self._falling if now_s < fall[0]]
        if asked_w < before_w:
            self._falling.append((now_s + FOLLOW_S, before_w))
        if asked_w > (self.limit_w or 0.0):
            self.raised_at_s = now_s
        self.limit_w, self._unsure_w, self.failures, self.problem, self.retry_at_s = asked_w, 0.0, 0, "", 0.0

    def released(self) -> None:
        """Note that no limit of ours stands any more, or may not from now on."""
        self.limit_w, self.asked_w, self._unsure_w, self._falling = None, None, 0.0, []
        self.failures, self.problem, self.retry_at_s = 0, "", 0.0

    def next_change_s(self, now_s: float) -> float | None:
        """Return when the ceiling or the readiness to ask changes by itself."""
        edges = [until_s for until_s, _ in self._falling if until_s > now_s]
        if self.retry_at_s > now_s:
            edges.append(self.retry_at_s)
        return min(edges, default=None)
