"""Who calls the admin API: the server's own token, tokens that it gave, tokens of an identity provider."""

import hmac
from datetime import datetime
from typing import Final, Protocol

from reconciler.app.access_tokens import AccessTokens
from reconciler.model.access import Access, Caller

SERVER_TOKEN: Final = "server token"
THIS_MACHINE: Final = Caller("this machine", Access.ADMIN, proven=False)
ANYBODY: Final = Caller("anybody", Access.VIEWER, proven=False)


class IdentityProvider(Protocol):
    """Somebody else who says who people are."""

    async def recognise(self, text: str) -> Caller | None:
        """Return who shows this bearer token, None where it is not a valid one of theirs."""


class Callers:
    """Recognises bearer tokens; `server_token` has all access, None where the server has none of its own."""

    def __init__(
        self, server_token: str | None, tokens: AccessTokens, provider: IdentityProvider | None = None
    ) -> None:
        self._server_token = server_token
        self._tokens = tokens
        self._provider = provider

    @property
    def asks_everybody(self) -> bool:
        """Whether a caller has to show a token, from this machine too."""
        return self._server_token is not None

    async def recognise(self, text: str) -> Caller | None:
        """Return who shows this bearer token; None where it does not hold now.

        Ours are found by digest, the server's is compared in constant time: the time taken tells nothing.
        """
        if self._server_token is not None and hmac.compare_digest(_bytes(text), _bytes(self._server_token)):
            return Caller(SERVER_TOKEN, Access.ADMIN)
        if (token := self._tokens.recognise(text)) is not None:
            return Caller(token.name, token.access, token.id, token.expires_at, select=token.select)
        return await self._provider.recognise(text) if self._provider is not None else None

    def still_holds(self, caller: Caller, now: datetime) -> bool:
        """Tell whether what this caller once showed still lets it in at `now`: neither expired nor revoked."""
        if caller.token_id:
            return self._tokens.holds(caller.token_id)
        return caller.expires_at is None or now < caller.expires_at


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
