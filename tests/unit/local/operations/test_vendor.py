"""Vendor messages: text in 1.6, anything in 2.x."""

import pytest

from reconciler.local.operations.vendor import DataTransferResult
from reconciler.model.operations import State
from tests.support.courses import VERSIONS, Play


@pytest.mark.parametrize("version", VERSIONS)
def test_data_goes_as_the_version_has_it(version: str) -> None:
    play = Play(version, "data-transfer", {"vendor_id": "com.acme", "message_id": "m", "data": '{"a":1}'})
    assert play.last["data"] == ('{"a":1}' if version == "ocpp1.6" else {"a": 1})
    assert play.answer({"status": "Accepted", "data": "ok"}).end.result == DataTransferResult(
        status="Accepted", data="ok"
    )
    plain = Play(version, "data-transfer", {"vendor_id": "com.acme", "data": "not json"})
    assert plain.last == {"vendorId": "com.acme", "data": "not json"}
    assert plain.answer({"status": "UnknownVendorId"}).end.state is State.DECLINED
