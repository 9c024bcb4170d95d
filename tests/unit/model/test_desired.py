"""What the relay is told of one charger."""

from reconciler.model.desired import Handover, SecretRef
from tests.support.roles import PASSIVE, PRIMARY, charger


def test_a_leg_is_found_by_its_back_end() -> None:
    made = charger({"home": PRIMARY, "eye": PASSIVE})
    leg = made.leg("eye")
    assert leg is not None
    assert leg.role is PASSIVE
    assert made.leg("nobody") is None


def test_a_reference_writes_where_the_secret_is_and_nothing_else() -> None:
    assert str(SecretRef("env", "FWDCTL_SECRET_X")) == "env:FWDCTL_SECRET_X"


def test_by_default_a_flip_changes_nothing_that_others_left() -> None:
    assert set(map(str, (Handover().charging_profiles, Handover().availability))) == {"keep"}
