"""The `ocpp` package's versions, schemas and quirks, behind one door."""

import pytest

from reconciler.testing.csms_answers import ACCEPTED, ACKNOWLEDGED
from reconciler.testing.dialect import DIALECTS, CallInvalid, check, legal_code, subprotocols, timestamp
from reconciler.testing.frames import CALL, CALLRESULT, SEND


def test_versions_may_be_written_with_and_without_ocpp() -> None:
    assert subprotocols("1.6") == ("ocpp1.6",)
    assert subprotocols(["ocpp2.1", "2.0.1"]) == ("ocpp2.1", "ocpp2.0.1")
    with pytest.raises(ValueError, match=r"no such version: ocpp3"):
        subprotocols("3")


@pytest.mark.parametrize(("version", "code"), [("ocpp1.6", "FormationViolation"), ("ocpp2.1", "FormatViolation")])
async def test_a_payload_with_a_stranger_is_refused_with_a_code_of_that_version(version: str, code: str) -> None:
    with pytest.raises(CallInvalid, match=r"CALL of Heartbeat") as refused:
        await check(DIALECTS[version], CALL, "Heartbeat", {"stranger": 1})
    assert refused.value.code == code


async def test_the_one_send_has_a_schema() -> None:
    stream = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 1, "v": "2"}]}
    await check(DIALECTS["ocpp2.1"], SEND, "NotifyPeriodicEventStream", stream)
    with pytest.raises(CallInvalid):
        await check(DIALECTS["ocpp2.1"], SEND, "NotifyPeriodicEventStream", {"id": 1})


async def test_an_action_without_a_schema_is_refused() -> None:
    with pytest.raises(CallInvalid, match=r"Nonsense"):
        await check(DIALECTS["ocpp1.6"], CALL, "Nonsense", {})
    with pytest.raises(CallInvalid, match=r"Nonsense"):
        await check(DIALECTS["ocpp2.1"], SEND, "Nonsense", {})


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
async def test_the_short_answers_of_the_csms_fit_their_schemas(dialect) -> None:  # type: ignore[no-untyped-def]
    for action in ACKNOWLEDGED:
        if action in dialect.actions:
            await check(dialect, CALLRESULT, action, {})
    for action in ACCEPTED:
        if action in dialect.actions:
            if dialect.version == "1.6":
                assert action == "SignCertificate"
            await check(dialect, CALLRESULT, action, {"status": "Accepted"})
    assert set(ACKNOWLEDGED + ACCEPTED) <= frozenset().union(*(d.actions for d in DIALECTS.values()))


def test_only_1_6_misspells() -> None:
    assert legal_code(DIALECTS["ocpp1.6"], "FormatViolation") == "FormationViolation"
    assert legal_code(DIALECTS["ocpp2.0.1"], "FormatViolation") == "FormatViolation"
    assert legal_code(DIALECTS["ocpp1.6"], "InternalError") == "InternalError"


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert timestamp(1_700_000_000.0625) == "2023-11-14T22:13:20.062Z"
