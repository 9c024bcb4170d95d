"""What back-ends have set on their legs, on both engines."""

from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.adapters.store import SqlStore
from reconciler.app.sealing import SealedLeg

AT = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
LEG = SealedLeg("cp1", "partner", b"\x01\x00\xff sealed", AT)


async def test_what_is_put_comes_back_and_the_last_counts(store: SqlStore) -> None:
    assert await store.sealed_legs() == ()
    other = replace(LEG, charger="cp0")
    await store.put_sealed_legs([LEG, other])
    await store.put_sealed_legs([newer := replace(LEG, sealed=b"newer")])
    await store.put_sealed_legs([])
    assert await store.sealed_legs() == (other, newer)
    assert await store.sealed_leg("cp1", "partner") == newer
    assert await store.sealed_leg("cp1", "nobody") is None
