"""How websockets' protocols are set up: no header in any log, compression only where OCPP wants it."""

import logging

import pytest
from websockets.uri import parse_uri

from reconciler.adapters.websocket.wire import csms_wire, may_deflate, station_wire


def test_no_credential_reaches_a_log_even_at_level_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    station = station_wire(1024)
    station.receive_data(b"GET /CP HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\n\r\n")
    csms = csms_wire(parse_uri("ws://csms.example"), "ocpp1.6", False, 1024)
    request = csms.connect()
    request.headers["Authorization"] = "Basic c2VjcmV0"
    csms.send_request(request)
    assert station.events_received()
    assert csms.data_to_send()
    assert caplog.records == []


@pytest.mark.parametrize(("version", "allowed"), [("ocpp1.6", False), ("ocpp2.0.1", True), ("ocpp2.1", True)])
def test_deflate_is_for_2x(version: str, allowed: bool) -> None:
    assert may_deflate(version) is allowed


def test_a_csms_is_offered_one_subprotocol() -> None:
    headers = csms_wire(parse_uri("ws://csms.example"), "ocpp2.1", True, 1024).connect().headers
    assert headers.get_all("Sec-WebSocket-Protocol") == ["ocpp2.1"]
    assert headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
