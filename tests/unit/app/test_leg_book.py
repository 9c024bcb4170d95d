"""The leg book: what it keeps, what it gives out, and what it does without a key."""

import pytest
from msgspec.structs import replace

from reconciler.adapters.key_ring import KeyRing
from reconciler.app.leg_book import KeptLeg, LegBook
from reconciler.app.sealing import Sealer
from reconciler.as_charger.settings import LegSettings
from reconciler.as_charger.trial import Trial
from reconciler.errors import FwdctlError, NoEncryptionKey, SecretUnavailable, Unsealable
from reconciler.model.desired import SecretRef
from tests.support.clock import EPOCH
from tests.support.leg_desk import KEY, LegRows
from tests.support.relay import KnownSecrets, Tally

OLD, NEW = LegSettings(password=b"old"), LegSettings(password=b"new", certificate=b"cert", private_key=b"key")
NEWER_KEY = bytes(32)


def book(rows: LegRows, sealer: Sealer | None = None, tally: Tally | None = None, *, shared: bool = False) -> LegBook:
    secrets = KnownSecrets({"P": b"declared"})
    return LegBook(rows, sealer or KeyRing([KEY]), secrets, (tally or Tally()).log, shared=shared)


async def test_what_is_kept_is_there_after_a_restart_and_never_in_the_clear() -> None:
    rows, kept = LegRows(), KeptLeg(OLD, EPOCH, Trial((NEW,), OLD))
    await book(rows).keep("cp1", "partner", kept)
    after = book(rows)
    await after.load()
    assert after.get("cp1", "partner") == kept
    assert after.get("cp2", "partner") is None
    assert b"password" not in rows.rows["cp1", "partner"].sealed


async def test_it_gives_out_the_secrets_of_what_is_dialled_now() -> None:
    one = book(LegRows())
    await one.keep("cp1", "partner", KeptLeg(OLD, EPOCH, Trial((NEW,), OLD)))
    assert one.resolve(SecretRef("kept", "cp1/partner/password")) == b"new"
    assert one.resolve(SecretRef("kept", "cp1/partner/key")) == b"key"
    one.turn("cp1", "partner", Trial((NEW,), OLD, turn=3))
    assert one.resolve(SecretRef("kept", "cp1/partner/password")) == b"old"
    assert one.resolve(SecretRef("env", "P")) == b"declared"
    for name in ("cp1/partner/trust", "cp1/other/password"):
        with pytest.raises(SecretUnavailable):
            one.resolve(SecretRef("kept", name))


async def test_a_row_of_another_leg_does_not_open() -> None:
    rows = LegRows()
    await book(rows).keep("cp1", "partner", KeptLeg(OLD, EPOCH))
    rows.rows["cp2", "partner"] = replace(rows.rows["cp1", "partner"], charger="cp2")
    with pytest.raises(Unsealable, match="leg/cp2/partner"):
        await book(rows).load()


async def test_a_new_first_key_encrypts_everything_anew_at_the_start() -> None:
    rows, tally = LegRows(), Tally()
    await book(rows).keep("cp1", "partner", KeptLeg(OLD, EPOCH))
    await book(rows, KeyRing([NEWER_KEY, KEY]), tally).load()
    assert tally.lines == [("encrypted-anew", {"legs": 1})]
    only_new = book(rows, KeyRing([NEWER_KEY]))
    await only_new.load()
    assert only_new.get("cp1", "partner") == KeptLeg(OLD, EPOCH)


async def test_without_a_key_nothing_is_kept_and_what_was_kept_stops_the_start() -> None:
    rows = LegRows()
    without = LegBook(rows, None, KnownSecrets({}), Tally().log)
    await without.load()
    with pytest.raises(NoEncryptionKey, match="no encryption key"):
        await without.keep("cp1", "partner", KeptLeg(OLD, EPOCH))
    assert without.fingerprint(b"x") == ""
    await book(rows).keep("cp1", "partner", KeptLeg(OLD, EPOCH))
    with pytest.raises(Unsealable, match="credentials of 1 legs") as refused:
        await without.load()
    assert "--encryption-key-file" in refused.value.hint


async def test_what_could_not_be_stored_does_not_count() -> None:
    rows = LegRows()
    one = book(rows)
    rows.away = True
    with pytest.raises(FwdctlError):
        await one.keep("cp1", "partner", KeptLeg(OLD, EPOCH))
    assert one.get("cp1", "partner") is None
    rows.away = False
    await one.keep("cp1", "partner", KeptLeg(OLD, EPOCH))
    rows.away = True
    with pytest.raises(FwdctlError):
        await one.keep("cp1", "partner", KeptLeg(NEW, EPOCH))
    assert one.get("cp1", "partner") == KeptLeg(OLD, EPOCH)


async def test_what_works_counts_even_where_the_store_is_away() -> None:
    rows, tally = LegRows(), Tally()
    one = book(rows, tally=tally)
    rows.away = True
    one.settle("cp1", "partner", KeptLeg(NEW, EPOCH))
    await one.write("cp1", "partner")
    assert one.get("cp1", "partner") == KeptLeg(NEW, EPOCH)
    assert [event for event, _ in tally.lines] == ["store-unavailable"]


async def test_what_another_node_has_kept_is_learnt_before_the_leg_is_dialled() -> None:
    rows, tally = LegRows(), Tally()
    one, other = book(rows, shared=True), book(rows, tally=tally, shared=True)
    await one.keep("cp1", "partner", KeptLeg(OLD, EPOCH))
    await other.refresh("cp1", "partner")
    assert other.get("cp1", "partner") == KeptLeg(OLD, EPOCH)
    await one.keep("cp1", "partner", KeptLeg(NEW, EPOCH))
    rows.away = True
    await other.refresh("cp1", "partner")
    assert other.get("cp1", "partner") == KeptLeg(OLD, EPOCH)
    assert [event for event, _ in tally.lines] == ["leg-not-read"]
    rows.away = False
    await other.refresh("cp1", "partner")
    assert other.get("cp1", "partner") == KeptLeg(NEW, EPOCH)


async def test_reading_again_does_not_begin_a_trial_anew() -> None:
    one = book(LegRows(), shared=True)
    await one.keep("cp1", "partner", KeptLeg(OLD, EPOCH, Trial((NEW,), OLD)))
    one.turn("cp1", "partner", Trial((NEW,), OLD, turn=3))
    await one.refresh("cp1", "partner")
    kept = one.get("cp1", "partner")
    assert kept is not None
    assert kept.trial == Trial((NEW,), OLD, turn=3)
