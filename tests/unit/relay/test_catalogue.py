"""The catalogue against the schema files of the `ocpp` package, and the bits that rules hang on."""

from importlib import resources

import pytest

from reconciler.model.features import FEATURE_SET, OCPP_VERSIONS
from reconciler.relay.catalogue import CATALOGUE, UNKNOWN_ACTION_FEATURE, feature_of

SCHEMAS = {"ocpp1.6": "ocpp.v16", "ocpp2.0.1": "ocpp.v201", "ocpp2.1": "ocpp.v21"}
ROWS = [(version, row) for version, rows in CATALOGUE.items() for row in rows.values()]


def schema_actions(version: str) -> set[str]:
    files = (file.name for file in resources.files(SCHEMAS[version]).joinpath("schemas").iterdir())
    names = {name.removesuffix(".json") for name in files if name.endswith(".json")}
    return {name.removesuffix("Response").removesuffix("Request") for name in names}


@pytest.mark.parametrize("version", OCPP_VERSIONS)
def test_the_actions_are_exactly_those_of_the_schemas(version: str) -> None:
    assert set(CATALOGUE[version]) == schema_actions(version)


def test_every_action_belongs_to_one_known_feature() -> None:
    assert set(CATALOGUE) == set(OCPP_VERSIONS)
    assert not {row.feature for _, row in ROWS} - FEATURE_SET


def test_every_action_has_a_direction_and_every_command_a_refusal() -> None:
    for version, row in ROWS:
        assert row.from_station or row.from_csms, (version, row.name)
        assert bool(row.refusal) == row.from_csms, (version, row.name)


def test_only_data_transfer_goes_both_ways() -> None:
    assert {row.name for _, row in ROWS if row.from_station and row.from_csms} == {"DataTransfer"}


def test_the_only_send_is_the_event_stream_of_21() -> None:
    assert [(version, row.name) for version, row in ROWS if row.is_send] == [("ocpp2.1", "NotifyPeriodicEventStream")]


def test_transaction_messages_come_from_stations() -> None:
    names = {row.name for _, row in ROWS if row.transaction_message}
    assert names >= {"StartTransaction", "StopTransaction", "TransactionEvent"}
    assert all(row.from_station for _, row in ROWS if row.transaction_message)


def test_only_commands_are_read_only_and_no_set_is_one() -> None:
    reads = [row for _, row in ROWS if row.read_only]
    assert all(row.from_csms for row in reads)
    assert not [row.name for row in reads if row.name.startswith(("Set", "Change", "Clear", "Reset", "Remote", "Send"))]


def test_the_feature_of_an_action_and_of_an_unheard_one() -> None:
    assert feature_of("ocpp1.6", "StartTransaction") == "transactions"
    assert feature_of("ocpp2.0.1", "SetChargingProfile") == "smart-charging"
    assert feature_of("ocpp1.6", "MadeUp") == UNKNOWN_ACTION_FEATURE
