"""Route tables: owners, observers, permissions (R5, R7, R8)."""

import pytest
from msgspec.structs import replace

from reconciler.model.features import FEATURES, OCPP_VERSIONS
from reconciler.relay.catalogue import CATALOGUE
from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.routing import NOT_COPIED, RouteTable
from tests.support.roles import PASSIVE, PRIMARY, READER, charger, hybrid


def frame(action: str, payload: str = "{}") -> Frame:
    read = read_frame(f'[2,"1","{action}",{payload}]'.encode())
    assert isinstance(read, Frame)
    return read


TABLE = RouteTable(
    charger(
        {"home": PRIMARY, "pay": hybrid("authorization", "data-transfer", observes=["transactions"]), "eye": PASSIVE}
    ),
    "ocpp1.6",
)


@pytest.mark.parametrize("version", OCPP_VERSIONS)
def test_every_action_has_exactly_one_owner(version: str) -> None:
    roles = {feature: hybrid(feature) for feature in FEATURES[1:]}
    table = RouteTable(charger({"rest": PRIMARY, **roles}), version)
    for action, row in CATALOGUE[version].items():
        owner = "rest" if row.feature == FEATURES[0] else row.feature
        assert table.owner(frame(action)) == owner
        if row.from_csms:
            may = [name for name in table.legs if table.refusal_of_command(name, frame(action)) is None]
            assert may == [owner]


def test_a_feature_owned_by_name_is_not_the_primarys() -> None:
    assert TABLE.owner(frame("Authorize")) == "pay"
    assert TABLE.owner(frame("StartTransaction")) == "home"


def test_an_unheard_action_goes_to_the_owner_of_provisioning() -> None:
    assert TABLE.owner(frame("MadeUp")) == "home"
    assert TABLE.refusal_of_command("home", frame("MadeUp")) is None
    assert TABLE.refusal_of_command("pay", frame("MadeUp")) == "home owns provisioning on this charging station"


def test_observers_get_what_they_observe_and_never_what_they_own() -> None:
    assert TABLE.observers(frame("StartTransaction"), "home") == ("pay", "eye")
    assert TABLE.observers(frame("StatusNotification"), "home") == ("eye",)
    assert TABLE.observers(frame("Authorize"), "pay") == ("home", "eye")


@pytest.mark.parametrize("action", sorted(NOT_COPIED))
def test_boots_and_beats_are_each_legs_own(action: str) -> None:
    assert TABLE.observers(frame(action), "home") == ()


def test_an_observer_may_not_read_unless_its_role_says_so() -> None:
    table = RouteTable(charger({"home": PRIMARY, "eye": PASSIVE, "reader": READER}), "ocpp1.6")
    assert table.refusal_of_command("eye", frame("GetConfiguration")) is not None
    assert table.refusal_of_command("reader", frame("GetConfiguration")) is None
    assert table.refusal_of_command("reader", frame("ChangeConfiguration")) is not None
    assert table.refusal_of_command("stranger", frame("GetConfiguration")) is not None


def test_a_vendors_messages_go_to_who_owns_them() -> None:
    roles = {"home": PRIMARY, "iso": hybrid(vendors=["org.iso.*"]), "eye": PASSIVE}
    table = RouteTable(charger(roles), "ocpp1.6")
    theirs = frame("DataTransfer", '{"vendorId":"org.iso.15118","messageId":"x","data":"{}"}')
    assert table.owner(theirs) == "iso"
    assert table.observers(theirs, "iso") == ("eye",)
    assert table.refusal_of_command("iso", theirs) is None
    assert table.refusal_of_command("home", theirs) is not None
    assert table.owner(frame("DataTransfer", '{"vendorId":"com.volt"}')) == "home"


@pytest.mark.parametrize("payload", ["{}", "null", '{"vendorId":5}'])
def test_a_vendor_that_can_not_be_read_is_the_features(payload: str) -> None:
    table = RouteTable(charger({"home": PRIMARY, "iso": hybrid(vendors=["org.*"])}), "ocpp1.6")
    assert table.owner(frame("DataTransfer", payload)) == "home"


def test_a_table_knows_its_legs_and_rows() -> None:
    assert list(TABLE.legs) == ["home", "pay", "eye"]
    leg = TABLE.leg("pay")
    assert leg is not None
    assert leg.role.name == "hybrid"
    assert TABLE.leg("stranger") is None
    row = TABLE.action("Reset")
    assert row is not None
    assert row.from_csms
    assert TABLE.action("MadeUp") is None
    assert TABLE.feature("MeterValues") == "metering"


def test_chargers_of_one_binding_share_what_follows_from_it_and_others_do_not() -> None:
    one = charger({"home": PRIMARY, "eye": PASSIVE})
    two = replace(one, name="cp2", identity="CP2")
    other = replace(one, owners=dict.fromkeys(FEATURES, "eye"))
    tables = [RouteTable(each, "ocpp1.6") for each in (one, two, other)]
    assert tables[0].legs is tables[1].legs
    assert [table.identity for table in tables[:2]] == [one.identity, "CP2"]
    start = frame("StartTransaction")
    assert [table.owner(start) for table in tables] == ["home", "home", "eye"]
    assert [table.observers(start, table.owner(start)) for table in tables] == [("eye",), ("eye",), ("home",)]
