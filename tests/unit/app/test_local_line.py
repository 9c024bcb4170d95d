"""The line of `local`: calls find their answers, what stations say is heard, endings are told."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

from reconciler.app.local_line import LEFT, NO_LINE, LocalConnection, LocalLine
from reconciler.local.csms import LocalCsms, StationAnswer
from reconciler.model.desired import LocalAnswers
from reconciler.relay import events
from tests.support.clock import FakeClock


class Wire:
    """A line with one charger on it."""

    def __init__(self) -> None:
        self.line = LocalLine()
        self.fed: list[events.Event] = []
        self.heard: list[tuple[str, str, Mapping[str, Any]]] = []
        self.line.listen(lambda *said: self.heard.append(said))
        ids = itertools.count(1)
        csms = LocalCsms("ocpp1.6", LocalAnswers, lambda token: False)
        self.connection: LocalConnection = self.line.connect(
            "cp001", csms, FakeClock(), self.fed.append, lambda: str(next(ids))
        )


async def test_a_call_finds_its_answer_and_errors_are_told() -> None:
    wire = Wire()
    assert await wire.line.ask("cp002", "Reset", {}) == NO_LINE
    assert await wire.line.ask("cp001", "Reset", {}) == NO_LINE  # not started yet
    wire.connection.start()
    asking = [asyncio.ensure_future(wire.line.ask("cp001", "Reset", {"type": "Hard"})) for _ in range(4)]
    await asyncio.sleep(0)
    assert wire.fed[1] == events.LegFrameReceived("local", b'[2,"1","Reset",{"type":"Hard"}]')
    wire.connection.send(b'[3,"2",{"status":"Accepted"}]')
    wire.connection.send(b'[4,"1","InternalError","no",{}]')
    wire.connection.send(b'[3,"3",5]')
    wire.connection.send(b'[3,"2",{"late":true}]')
    wire.connection.stop("the charging station is gone")
    assert await asyncio.gather(*asking) == [
        StationAnswer(None, "InternalError: no"),
        StationAnswer({"status": "Accepted"}),
        StationAnswer(None, "the charging station's answer can't be read"),
        LEFT,
    ]
    assert await wire.line.ask("cp001", "Reset", {}) == NO_LINE


async def test_what_a_station_says_is_answered_first_and_then_heard() -> None:
    wire = Wire()
    wire.connection.start()
    wire.connection.send(b'[2,"m","MeterValues",{"connectorId":1}]')
    assert wire.fed[-1] == events.LegFrameReceived("local", b'[3,"m",{}]')
    assert wire.heard == []
    await asyncio.sleep(0)
    assert wire.heard == [("cp001", "MeterValues", {"connectorId": 1})]


async def test_a_new_session_takes_the_line_over_and_the_old_end_can_not_harm_it() -> None:
    wire = Wire()
    csms = LocalCsms("ocpp1.6", LocalAnswers, lambda token: False)
    newer: list[events.Event] = []
    wire.line.connect("cp001", csms, FakeClock(), newer.append, lambda: "n").start()
    wire.connection.stop("replaced")
    asking = asyncio.ensure_future(wire.line.ask("cp001", "Reset", {}))
    await asyncio.sleep(0)
    assert newer[-1] == events.LegFrameReceived("local", b'[2,"n","Reset",{}]')
    asking.cancel()
