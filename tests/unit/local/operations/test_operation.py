"""An order knows its version; versions are named once."""

from reconciler.local.operations.model import NoParameters
from reconciler.local.operations.operation import Order, every_version, only_2, only_16


def test_an_order_knows_its_version() -> None:
    assert Order("ocpp1.6", NoParameters(), 1).is_16
    assert not Order("ocpp2.1", NoParameters(), 1).is_16


def test_versions_are_complete_and_apart() -> None:
    assert only_16("A") | only_2("A") == every_version("A")
