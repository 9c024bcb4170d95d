"""What a node is given may leave out what it can do without."""

from dataclasses import MISSING, fields

from reconciler.app.world import World


def test_passwords_in_hashes_and_orders_on_legs_are_extras() -> None:
    optional = {
        each.name for each in fields(World) if each.default is not MISSING or each.default_factory is not MISSING
    }
    assert optional == {"redial", "organization", "passwords", "leg_desk"}
