"""Order: what others refer to comes first, deletes come last."""

from reconciler.model.plan import Action, ResourceChange
from reconciler.planning.order import by_kind, in_order


def change(address: str, action: Action) -> ResourceChange:
    return ResourceChange(address, action, before=None, after=None)


def test_creates_and_updates_go_down_the_table_and_deletes_go_up_it_afterwards() -> None:
    mixed = [
        change("role.old", Action.DELETE),
        change("backend-binding.a", Action.UPDATE),
        change("scheduled-outage.old", Action.DELETE),
        change("security-profile.new", Action.CREATE),
        change("backend.new", Action.CREATE),
    ]
    assert [str(found.address) for found in in_order(mixed)] == [
        "security-profile.new",
        "backend.new",
        "backend-binding.a",
        "scheduled-outage.old",
        "role.old",
    ]


def test_within_a_kind_names_decide() -> None:
    assert by_kind(["charger.b", "backend.z", "charger.a"]) == ["backend.z", "charger.a", "charger.b"]
