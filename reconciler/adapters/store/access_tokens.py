"""Access tokens: what is kept of those who may call the admin API."""

from sqlalchemy import select

from reconciler.adapters.store import tables
from reconciler.adapters.store.section import Section
from reconciler.model.access import Access, AccessToken


class KeptTokens(Section):
    """One row per token, also of those that no longer hold."""

    async def put_token(self, token: AccessToken) -> None:
        """Store a token; one with the same id is replaced."""
        async with self._database.writing() as connection:
            await connection.execute(
                tables.upsert(tables.access_tokens, connection.dialect), tables.row(token, select=dict(token.select))
            )

    async def tokens(self) -> tuple[AccessToken, ...]:
        """Return every token, oldest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(tables.access_tokens))).mappings()
            tokens = [AccessToken(**{**found, "access": Access(found["access"])}) for found in rows]
        return tuple(sorted(tokens, key=lambda token: (token.created_at, token.id)))
