"""`local` as a CSMS: frames in, frames out, and no frame that it does not survive."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.local.csms import LocalCsms
from reconciler.model.desired import LocalAnswers

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def csms(
    version: str = "ocpp1.6",
) -> LocalCsms:
    return LocalCsms(version, LocalAnswers, lambda token: token == "KNOWN")


def said(frame: str, version: str = "ocpp1.6", now: datetime = NOW) -> Any:
    """Return what a fresh `local` answers to a frame, as JSON."""
    answer = csms(version).frame_received(frame.encode(), now)
    return None if answer is None else json.loads(answer)


def test_a_call_is_answered_under_its_own_id() -> None:
    assert said('[2,"a-1","Heartbeat",{}]') == [3, "a-1", {"currentTime": "2026-12-01T02:00:00Z"}]


@pytest.mark.parametrize("token", ['"é\\u0041"', '""', '"x" '])
def test_an_id_is_echoed_as_it_was_written(token: str) -> None:
    answer = csms().frame_received(f'[2, {token},"Heartbeat",{{}}]'.encode(), NOW)
    assert answer is not None
    assert answer.startswith(f"[3,{token.strip()},".encode())


@pytest.mark.parametrize(
    "frame", ['[3,"x",{}]', '[4,"x","InternalError","",{}]', '[5,"x","InternalError","",{}]', '[6,"x","A",{}]']
)
def test_answers_and_sends_are_not_answered(frame: str) -> None:
    assert said(frame, "ocpp2.1") is None


def test_no_payload_at_all_is_an_empty_one() -> None:
    assert said('[2,"x","Heartbeat",null]')[0] == 3


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param('[2,"x","Reset",{}]', "NotImplemented", id="an action that stations do not call"),
        pytest.param('[2,"x","Invented",{}]', "NotImplemented", id="an unknown action"),
        pytest.param('[2,"x","heartbeat",{}]', "NotImplemented", id="an action in the wrong case"),
        pytest.param('[2,"x",{},"Heartbeat-Signed",{}]', "NotSupported", id="a signed message"),
        pytest.param(
            '[2,"x","MeterValues",{"a":1E400}]', "PropertyConstraintViolation", id="a number beyond all bounds"
        ),
        pytest.param('[2,"x","MeterValues",[]]', "PropertyConstraintViolation", id="a payload that is no object"),
    ],
)
def test_what_can_not_be_answered_gets_an_error_that_all_versions_know(frame: str, code: str) -> None:
    kind, message_id, said_code, description, details = said(frame, "ocpp2.0.1")
    assert (kind, message_id, said_code, details) == (4, "x", code, {})
    assert 0 < len(description) <= 255


def test_transaction_ids_grow_within_a_second_and_over_restarts() -> None:
    frame = b'[2,"x","StartTransaction",{"idTag":"T"}]'

    def started(local: LocalCsms, now: datetime) -> int:
        answer = local.frame_received(frame, now)
        assert answer is not None
        return int(json.loads(answer)[2]["transactionId"])

    first = csms()
    ids = [started(first, NOW), started(first, NOW), started(first, NOW + timedelta(seconds=0.5))]
    ids.append(started(csms(), NOW + timedelta(seconds=5)))
    assert ids == sorted(set(ids))
    assert 0 < ids[0] < ids[-1] < 2**31


def test_settings_count_from_the_moment_they_are_changed() -> None:
    settings = [LocalAnswers(authorize="reject")]
    local = LocalCsms("ocpp1.6", lambda: settings[-1], lambda token: False)
    ask = b'[2,"x","Authorize",{"idTag":"T"}]'
    assert b"Invalid" in (local.frame_received(ask, NOW) or b"")
    settings.append(LocalAnswers(authorize="accept"))
    assert b"Accepted" in (local.frame_received(ask, NOW) or b"")


def test_tokens_that_owners_accepted_are_asked_for_by_name() -> None:
    assert said('[2,"x","Authorize",{"idTag":"KNOWN"}]')[2] == {"idTagInfo": {"status": "Accepted"}}
    assert said('[2,"x","Authorize",{"idTag":"OTHER"}]')[2] == {"idTagInfo": {"status": "Invalid"}}
