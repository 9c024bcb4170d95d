"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


class FakeClock:
    """Implements `Clock`; starts at EPOCH and monotonic 0."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._start = start
        self._passed_s = 0.0

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        """Return the seconds that passed."""
        return self._passed_s

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._passed_s += seconds

    def set_wall(self, to: datetime) -> None:
        """Set the wall clock; the other one goes on as if nothing had happened."""
        self._start = to - timedelta(seconds=self._passed_s)
