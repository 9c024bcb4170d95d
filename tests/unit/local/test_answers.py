"""`local` answers every CALL that a station of any version can make, and each answer fits its schema."""

from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from reconciler.local.answers import ANSWERS, Asked, id_token
from reconciler.model.desired import LocalAnswers
from reconciler.relay.catalogue import CATALOGUE
from tests.support.ocpp_schemas import example, faults

NOW = datetime(2026, 12, 1, 2, 0, 30, 999_999, tzinfo=UTC)
Authorize = Literal["known", "accept", "reject"]
EVERY_CALL = [
    (version, name)
    for version, actions in CATALOGUE.items()
    for name, action in actions.items()
    if action.from_station and not action.is_send
]
VERSIONS = list(CATALOGUE)


def answer(version: str, action: str, payload: Any, authorize: Authorize = "known", *known: str) -> Any:
    """Return what `local` answers; `known` are the tokens that an owner accepted."""
    settings = LocalAnswers(authorize=authorize, heartbeat_interval_s=299.6)
    return ANSWERS[version][action](Asked(version, payload, NOW, settings, lambda token: token in known, lambda: 17))


def test_every_call_of_a_station_has_an_answer_and_nothing_else_has() -> None:
    assert sorted(EVERY_CALL) == sorted((version, action) for version in ANSWERS for action in ANSWERS[version])
    assert len(EVERY_CALL) == 14 + 25 + 36  # DataTransfer among them; 2.1's one SEND has no answer


@pytest.mark.parametrize("authorize", ["known", "accept", "reject"])
@pytest.mark.parametrize("full", [False, True], ids=["required-fields", "every-field"])
@pytest.mark.parametrize(("version", "action"), EVERY_CALL)
def test_every_answer_fits_its_schema(version: str, action: str, full: bool, authorize: Authorize) -> None:
    request = example(version, action, "request", full=full)
    assert faults(version, action, "request", request) == []
    assert faults(version, action, "response", answer(version, action, request, authorize)) == []


WRONG: list[Any] = [None, 5, "text", [], [5], {}, {"idToken": 5}, True]


@pytest.mark.parametrize(("version", "action"), EVERY_CALL)
def test_a_request_of_wrong_types_has_an_answer_too(version: str, action: str) -> None:
    for wrong in WRONG:
        request = dict.fromkeys(example(version, action, "request", full=True), wrong)
        assert isinstance(answer(version, action, request), dict)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_boot_is_accepted_with_the_time_in_utc_and_the_declared_interval_in_whole_seconds(version: str) -> None:
    accepted = {"currentTime": "2026-12-01T02:00:30Z", "interval": 300, "status": "Accepted"}
    assert answer(version, "BootNotification", {}) == accepted
    assert answer(version, "Heartbeat", {}) == {"currentTime": "2026-12-01T02:00:30Z"}


@pytest.mark.parametrize(
    ("version", "field", "refused"),
    [
        ("ocpp1.6", "idTagInfo", "Invalid"),
        ("ocpp2.0.1", "idTokenInfo", "Unknown"),
        ("ocpp2.1", "idTokenInfo", "Unknown"),
    ],
)
def test_whether_a_token_may_charge_is_the_setting_s_decision(version: str, field: str, refused: str) -> None:
    asked = {"idTag": "T"} if version == "ocpp1.6" else {"idToken": {"idToken": "T", "type": "ISO14443"}}
    assert answer(version, "Authorize", asked, "accept") == {field: {"status": "Accepted"}}
    assert answer(version, "Authorize", asked, "reject", "T") == {field: {"status": refused}}
    assert answer(version, "Authorize", asked, "known", "T") == {field: {"status": "Accepted"}}
    assert answer(version, "Authorize", asked, "known", "OTHER") == {field: {"status": refused}}
    assert answer(version, "Authorize", {}, "known", "T") == {field: {"status": refused}}


def test_a_transaction_begins_with_a_new_id_and_the_same_judgement_of_its_token() -> None:
    started = answer("ocpp1.6", "StartTransaction", {"idTag": "T"}, "known", "T")
    assert started == {"transactionId": 17, "idTagInfo": {"status": "Accepted"}}
    refused = answer("ocpp1.6", "StartTransaction", {"idTag": "T"})
    assert refused == {"transactionId": 17, "idTagInfo": {"status": "Invalid"}}
    event = {"eventType": "Started", "idToken": {"idToken": "T", "type": "ISO14443"}}
    assert answer("ocpp2.0.1", "TransactionEvent", event, "known", "T") == {"idTokenInfo": {"status": "Accepted"}}
    assert answer("ocpp2.0.1", "TransactionEvent", {"eventType": "Updated"}) == {}


def test_a_transaction_always_ends() -> None:
    assert answer("ocpp1.6", "StopTransaction", {"idTag": "T"}, "reject") == {"idTagInfo": {"status": "Accepted"}}
    assert answer("ocpp1.6", "StopTransaction", {}, "reject") == {}


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("SignCertificate", "Rejected"),
        ("DataTransfer", "UnknownVendorId"),
        ("Get15118EVCertificate", "Failed"),
        ("GetCertificateStatus", "Failed"),
        ("NotifyEVChargingNeeds", "Rejected"),
        ("OpenPeriodicEventStream", "Rejected"),
        ("PullDynamicScheduleUpdate", "Rejected"),
        ("VatNumberValidation", "Rejected"),
    ],
)
def test_what_only_a_back_end_can_decide_is_declined_even_where_every_token_is_accepted(
    action: str, status: str
) -> None:
    request = example("ocpp2.1", action, "request", full=True)
    assert answer("ocpp2.1", action, request, "accept")["status"] == status


def test_each_certificate_of_a_chain_gets_its_own_refusal() -> None:
    request = example("ocpp2.1", "GetCertificateChainStatus", "request", full=False)
    request["certificateStatusRequests"] *= 3
    statuses = answer("ocpp2.1", "GetCertificateChainStatus", request)["certificateStatus"]
    assert [status["status"] for status in statuses] == ["Failed"] * 3


@pytest.mark.parametrize(
    ("payload", "token"),
    [
        ({"idTag": "T"}, "T"),
        ({"idToken": {"idToken": "T", "type": "Central"}}, "T"),
        ({"idToken": "T"}, None),
        ({"idToken": {}}, None),
        ({"idTag": 5}, None),
        ({}, None),
    ],
)
def test_a_token_is_found_where_either_version_carries_it(payload: dict[str, Any], token: str | None) -> None:
    assert id_token(payload) == token
