"""The line to stations of other nodes: asked there, answered here, heard by whoever attends."""

import asyncio
from collections.abc import Mapping
from typing import Any

from reconciler.app.fleet_line import FleetLine
from reconciler.local.csms import StationAnswer
from tests.support.operations import ScriptedLine
from tests.unit.app.test_errands import B, Pair, pair


class Lines:
    """Node a, where things are asked, and node b, which has the station."""

    def __init__(self, two: Pair) -> None:
        self.far = ScriptedLine()
        self.near = ScriptedLine()
        self.here = FleetLine(self.near, lambda charger: B if charger == "cp001" else "", two.a, two.background)
        FleetLine(self.far, lambda charger: "", two.b, two.background)
        self.heard: list[tuple[str, str, Mapping[str, Any]]] = []
        self.here.listen(lambda *said: self.heard.append(said))


async def test_a_call_goes_to_the_node_that_has_the_station_and_its_answer_comes_back() -> None:
    async with pair() as two:
        lines = Lines(two)
        asking = asyncio.ensure_future(lines.here.ask("cp001", "Reset", {"type": "Hard"}))
        await two.wake()
        ((charger, action, payload, then),) = lines.far.asked
        assert (charger, action, payload) == ("cp001", "Reset", {"type": "Hard"})
        then(StationAnswer({"status": "Accepted"}))
        assert await asking == StationAnswer({"status": "Accepted"})
        lines.here.call("cp002", "Reset", {}, lambda answer: None)
        assert [one[0] for one in lines.near.asked] == ["cp002"]  # of this node


async def test_a_call_whose_node_dies_is_answered_with_what_is_known_and_not_repeated() -> None:
    async with pair() as two:
        lines = Lines(two)
        answers: list[StationAnswer] = []
        lines.here.call("cp001", "Reset", {}, answers.append)
        await two.wake()
        two.alive = {"a/1"}
        await two.wake()
        assert answers == [StationAnswer(None, "unknown: node b died before it answered")]
        assert len(lines.far.asked) == 1


async def test_what_a_station_says_is_heard_elsewhere_only_by_whoever_attends() -> None:
    async with pair() as two:
        lines = Lines(two)
        lines.far.says("cp001", "Heartbeat")
        await two.wake()
        assert lines.heard == []
        assert two.rows.taken == []
        await two.a.listen("cp001")
        await two.wake()
        for number in range(3):
            lines.far.says("cp001", "StatusNotification", {"connectorId": number})
        await two.wake()
        assert [said[2]["connectorId"] for said in lines.heard] == [0, 1, 2]
        await two.a.turn_away("cp001")
        await two.wake()
        lines.far.says("cp001", "Heartbeat")
        await two.wake()
        assert len(lines.heard) == 3


async def test_what_a_station_says_after_its_answer_is_heard_after_it_wherever_it_says_it() -> None:
    async with pair() as two:
        lines = Lines(two)
        order: list[str] = []
        lines.here.listen(lambda charger, action, payload: order.append(action))
        lines.here.call("cp001", "Reset", {}, lambda answer: order.append("answered"))
        await two.wake()
        lines.near.says("cp001", "BootNotification")  # it is back, at this node, before the answer has come from there
        assert order == []
        lines.far.asked[0][3](StationAnswer({"status": "Accepted"}))
        await two.wake()
        assert order == ["answered", "BootNotification"]
