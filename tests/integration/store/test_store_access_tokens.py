"""Access tokens, on both engines."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.adapters.store.sql_store import SqlStore
from reconciler.model.access import Access, AccessToken
from tests.support.clock import EPOCH

TOKEN = AccessToken("b", "ci", Access.OPERATOR, "d1", EPOCH, "anna", EPOCH + timedelta(days=90), select={"site": "a"})


async def test_tokens_come_back_as_they_were_oldest_first(store: SqlStore) -> None:
    older = AccessToken("c", "old", Access.VIEWER, "d2", EPOCH - timedelta(days=1), "anna")
    for token in (TOKEN, older):
        await store.put_token(token)
    assert await store.tokens() == (older, TOKEN)


async def test_a_token_put_again_is_replaced(store: SqlStore) -> None:
    await store.put_token(TOKEN)
    revoked = replace(TOKEN, revoked_at=EPOCH)
    await store.put_token(revoked)
    assert await store.tokens() == (revoked,)
