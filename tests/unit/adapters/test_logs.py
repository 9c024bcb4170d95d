"""Logs: one JSON object a line, and no secret in any."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from reconciler.adapters.logs import LINES_MAX, MASK, WINDOW_S, EventLog, configure_logs
from tests.support.server import restored_logging


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True, as a terminal does."""
        return True


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    with restored_logging():
        yield


def test_an_event_is_one_json_object_with_its_fields() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    structlog.get_logger("relay").info("station connected", charger="cp001")
    event = json.loads(stream.getvalue())
    assert event | {"timestamp": ""} == {
        "event": "station connected",
        "charger": "cp001",
        "level": "info",
        "logger": "relay",
        "timestamp": "",
    }


def test_the_standard_library_s_events_look_the_same() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    logging.getLogger("uvicorn.error").warning("odd %s", "thing", extra={"port": 1})
    event = json.loads(stream.getvalue())
    assert (event["event"], event["level"], event["port"]) == ("odd thing", "warning", 1)


def test_an_exception_is_part_of_its_event() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger().exception("it failed")
    (line,) = stream.getvalue().splitlines()
    assert "RuntimeError: broken" in json.loads(line)["exception"]


def test_a_traceback_on_a_terminal_shows_no_local_variables() -> None:
    stream = Terminal()
    configure_logs(stream)
    password = "hunter2"
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger().exception("it failed")
    assert "RuntimeError: broken" in stream.getvalue()
    assert password not in stream.getvalue()


def test_a_flood_of_one_event_is_thinned_and_then_counted() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    now = [0.0]
    log = EventLog(lambda: now[0])
    for _ in range(LINES_MAX + 30):
        log("malformed-frame", charger="cp001")
    log("flip", charger="cp001")
    now[0] = WINDOW_S
    log("malformed-frame", charger="cp002")
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == [
        *["malformed-frame"] * LINES_MAX,
        "flip",
        "lines left out",
        "malformed-frame",
    ]
    assert events[-2]["count"] == 30


def test_a_field_named_like_a_secret_is_masked() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    structlog.get_logger().info("dialling", authorization="Basic aHVudGVyMg==", password="hunter2")
    event = json.loads(stream.getvalue())
    assert (event["authorization"], event["password"]) == (MASK, MASK)


def test_what_is_below_the_level_is_left_out() -> None:
    stream = io.StringIO()
    configure_logs(stream, "warning")
    structlog.get_logger().info("chatter")
    assert stream.getvalue() == ""


def test_a_terminal_gets_words_instead_of_json() -> None:
    stream = Terminal()
    configure_logs(stream)
    structlog.get_logger().info("station connected", charger="cp001")
    assert "station connected" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
