"""Use case tokens: who may call the admin API, and how much of it."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

from msgspec.structs import replace

from reconciler.app.ports import Clock
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.model.access import Access, AccessToken
from reconciler.model.history import HistoryEvent

PREFIX: Final = "fwdctl_"
"""So that scanners for leaked secrets, and people, know one when they see it."""
TOKENS_MAX: Final = 1000
REFRESH_S: Final = 5.0


class TokenStore(Protocol):
    """Where tokens are kept."""

    async def put_token(self, token: AccessToken) -> None:
        """Store a token; one with the same id is replaced."""

    async def tokens(self) -> tuple[AccessToken, ...]:
        """Return every token, oldest first."""

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        """Append events to history."""


class AccessTokens:
    """Gives, takes and recognises tokens; `new_secret` returns 256 random bits as text, `new_id` a short text."""

    def __init__(
        self, store: TokenStore, clock: Clock, new_id: Callable[[], str], new_secret: Callable[[], str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._new_secret = new_secret
        self._by_digest: dict[str, AccessToken] = {}
        self._changes = 0

    async def load(self) -> None:
        """Read the tokens that are kept."""
        before = self._changes
        kept = {token.digest: token for token in await self._store.tokens()}
        if self._changes == before:  # else what was read may be older than what was given or taken meanwhile
            self._by_digest = kept

    async def run(self) -> None:
        """Read them again and again, so that what another node gave or took counts here, within `REFRESH_S`."""
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await self.load()
            except FwdctlError:  # the store is away, whoever needs it says so; what was read last counts meanwhile
                continue

    def recognise(self, text: str) -> AccessToken | None:
        """Return the token that `text` is, None where it is none that holds now.

        Found by its digest, so the time it takes tells nothing about any token.
        """
        token = self._by_digest.get(_digest(text))
        return token if token is not None and token.holds_at(self._clock.now()) else None

    def holds(self, token_id: str) -> bool:
        """Tell whether the token with this id holds now."""
        now = self._clock.now()
        return any(token.holds_at(now) for token in self._by_digest.values() if token.id == token_id)

    async def create(
        self,
        name: str,
        access: Access,
        valid_for_s: float | None,
        actor: str,
        select: Mapping[str, str] | None = None,
    ) -> tuple[str, AccessToken]:
        """Return a new token's text, which is nowhere kept, and what is kept of it.

        `select` are labels that chargers must have for the token to reach them; none: all chargers.
        """
        if select and access is Access.ADMIN:
            raise FwdctlError("an admin is one of the whole site", hint="give operator with --select, or admin without")
        now = self._clock.now()
        if sum(token.holds_at(now) for token in self._by_digest.values()) >= TOKENS_MAX:
            raise FwdctlError(f"there are {TOKENS_MAX} tokens already", hint="revoke some, or give fewer that do more")
        text = PREFIX + self._new_secret()
        expires_at = None if valid_for_s is None else now + timedelta(seconds=valid_for_s)
        token = AccessToken(
            self._new_id(), name, access, _digest(text), now, actor, expires_at, select=dict(select or {})
        )
        await self._keep(token, "token-created", f"token {name} ({token.id}) for {access}", actor)
        return text, token

    async def revoke(self, token_id: str, actor: str) -> AccessToken:
        """Revoke a token, for every call from now on; harmless when repeated. Raises UnknownAddress."""
        token = next((token for token in self._by_digest.values() if token.id == token_id), None)
        if token is None:
            raise UnknownAddress(f"no token has the id {token_id!r}", hint="see fwdctl token list")
        if token.revoked_at is None:
            token = replace(token, revoked_at=self._clock.now())
            await self._keep(token, "token-revoked", f"token {token.name} ({token.id}) is revoked", actor)
        return token

    def tokens(self) -> tuple[AccessToken, ...]:
        """Return every token, oldest first, those that no longer hold among them."""
        return tuple(sorted(self._by_digest.values(), key=lambda token: (token.created_at, token.id)))

    async def _keep(self, token: AccessToken, kind: str, summary: str, actor: str) -> None:
        await self._store.put_token(token)
        self._changes += 1
        self._by_digest[token.digest] = token
        await self._store.record([HistoryEvent(self._clock.now(), kind, summary, actor=actor)])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
