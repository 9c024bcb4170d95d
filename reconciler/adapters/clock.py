"""The system's two clocks; the only module that reads the time of day."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `app.ports.Clock` with the machine's clocks."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()
