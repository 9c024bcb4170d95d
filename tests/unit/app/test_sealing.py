"""What is stored of a leg says whose it is, and nothing that was sealed."""

from datetime import UTC, datetime

from reconciler.app.sealing import SealedLeg
from reconciler.errors import FwdctlError, Unsealable


def test_a_stored_leg_is_a_value() -> None:
    at = datetime(2026, 12, 1, tzinfo=UTC)
    assert SealedLeg("cp1", "partner", b"x", at) == SealedLeg("cp1", "partner", b"x", at)


def test_what_does_not_open_is_told_as_every_other_trouble() -> None:
    assert issubclass(Unsealable, FwdctlError)
