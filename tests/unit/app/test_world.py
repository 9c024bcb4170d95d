"""What a node is given may leave out what it can do without."""

from msgspec.structs import fields

from reconciler.app.world import World


def test_passwords_in_hashes_and_orders_on_legs_are_extras() -> None:
    optional = {each.name for each in fields(World) if not each.required}
    assert optional == {"redial", "organization", "passwords", "leg_desk"}
