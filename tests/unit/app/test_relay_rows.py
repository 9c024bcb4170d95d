"""The rows between controller and relay nodes, in words."""

from reconciler.app.relay_rows import NodeStart


def test_a_start_is_named_by_node_and_count_so_that_a_restarted_node_is_another_holder() -> None:
    assert str(NodeStart("depot-1", 3)) == "depot-1/3"
    assert NodeStart("depot-1", 3) != NodeStart("depot-1", 4)
