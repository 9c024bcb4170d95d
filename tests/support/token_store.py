"""A store of access tokens in memory."""

from collections.abc import Sequence

from reconciler.model.access import AccessToken
from reconciler.model.history import HistoryEvent


class KeptTokens:
    """Implements `TokenStore`."""

    def __init__(self) -> None:
        self.kept: dict[str, AccessToken] = {}
        self.events: list[HistoryEvent] = []

    async def put_token(self, token: AccessToken) -> None:
        """Store a token."""
        self.kept[token.id] = token

    async def tokens(self) -> tuple[AccessToken, ...]:
        """Return every token."""
        return tuple(self.kept.values())

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        """Keep events."""
        self.events.extend(events)
