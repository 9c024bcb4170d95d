"""The message tap: it sees what passes while somebody watches, costs nothing else, and never holds a frame up."""

import asyncio
import json
from typing import Any

import pytest

from reconciler.app.message_tap import STATION, WAITING_MAX, WATCHES_MAX, Message, MessageTap, Wanted
from reconciler.errors import FwdctlError
from reconciler.relay import commands, events
from tests.support.clock import FakeClock


class EchoCore:
    """Sends what the station says to back-end a, and what a says to the station."""

    state = None
    closed = False

    def open(self, now: float) -> list[commands.Command]:
        return []

    def next_timer(self) -> float | None:
        return 7.0

    def handle(self, event: events.Event, now: float) -> list[commands.Command]:
        if isinstance(event, events.StationFrameReceived):
            return [commands.SendToLeg("a", event.raw)]
        if isinstance(event, events.LegFrameReceived):
            return [commands.SendToStation(event.raw)]
        return []


class Session:
    """A session as the tap knows one."""

    def __init__(self) -> None:
        self.core: Any = EchoCore()


class Stage:
    """A tap over one charger's session."""

    def __init__(self) -> None:
        self.session: Session | None = Session()
        self.tap = MessageTap({"cp1": self}, FakeClock())

    def says(self, *elements: Any) -> None:
        assert self.session is not None
        self.session.core.handle(events.StationFrameReceived(json.dumps(elements).encode()), 0.0)

    def hears(self, *elements: Any) -> None:
        assert self.session is not None
        self.session.core.handle(events.LegFrameReceived("a", json.dumps(elements).encode()), 0.0)


def told(messages: list[Message]) -> list[tuple[str, bool, str, str]]:
    return [(one.peer, one.from_charger, one.kind, one.action) for one in messages]


async def test_a_call_and_its_answer_are_seen_on_both_sides() -> None:
    stage = Stage()
    with stage.tap.watch("cp1", Wanted()) as watch:
        stage.says(2, "m1", "Authorize", {"idTag": "04A2B3C4D5E6F7"})
        stage.hears(3, "m1", {"idTagInfo": {"status": "Accepted"}})
        messages, dropped = await watch.take(1)
    assert told(messages) == [
        (STATION, True, "call", "Authorize"),
        ("a", True, "call", "Authorize"),
        ("a", False, "answer", "Authorize"),
        (STATION, False, "answer", "Authorize"),
    ]
    assert dropped == 0
    assert messages[0].payload == '{"idTag":"…6F7"}'


async def test_the_session_has_its_own_core_back_once_nobody_watches() -> None:
    stage = Stage()
    assert stage.session is not None
    own = stage.session.core
    with stage.tap.watch("cp1", Wanted()), stage.tap.watch("cp1", Wanted()):
        assert stage.session.core is not own
        assert stage.session.core.next_timer() == 7.0
    assert stage.session.core is own


async def test_a_watch_outlives_a_reconnection() -> None:
    stage = Stage()
    with stage.tap.watch("cp1", Wanted()) as watch:
        stage.session = Session()
        stage.tap.began("cp1", stage.session)
        stage.says(2, "m1", "Heartbeat", {})
        assert len((await watch.take(1))[0]) == 2
    assert isinstance(stage.session.core, EchoCore)
    stage.tap.began("cp1", stage.session)
    assert isinstance(stage.session.core, EchoCore)  # nobody watches


async def test_a_charger_that_is_offline_can_be_watched() -> None:
    stage = Stage()
    stage.session = None
    with stage.tap.watch("cp1", Wanted()) as watch:
        assert await watch.take(0.01) == ([], 0)


async def test_each_watcher_sees_what_they_asked_for() -> None:
    stage = Stage()
    with (
        stage.tap.watch("cp1", Wanted(action="meter")) as meters,
        stage.tap.watch("cp1", Wanted(peer="a", direction="down")) as answers,
    ):
        stage.says(2, "m1", "MeterValues", {})
        stage.says(2, "m2", "Heartbeat", {})
        stage.hears(4, "m1", "InternalError", "no", {})
        stage.hears(2, "m3", "Reset", {"type": "Soft"})
        assert {one.action for one in (await meters.take(1))[0]} == {"MeterValues"}
        assert told((await answers.take(1))[0]) == [("a", False, "error", "MeterValues"), ("a", False, "call", "Reset")]


async def test_who_is_slow_loses_the_oldest_and_is_told_how_many() -> None:
    stage = Stage()
    with stage.tap.watch("cp1", Wanted(peer=STATION)) as watch:
        for number in range(WAITING_MAX + 5):
            stage.says(2, f"m{number}", "Heartbeat", {})
        messages, dropped = await watch.take(1)
    assert (len(messages), dropped) == (WAITING_MAX, 5)
    assert messages[0].id == "m5"


async def test_a_frame_that_can_t_be_read_passes_and_is_shown_as_such() -> None:
    stage = Stage()
    with stage.tap.watch("cp1", Wanted(peer=STATION)) as watch:
        assert stage.session is not None
        passed = stage.session.core.handle(events.StationFrameReceived(b"nonsense"), 0.0)
        assert passed == [commands.SendToLeg("a", b"nonsense")]
        assert [one.kind for one in (await watch.take(1))[0]] == ["unreadable"]


async def test_only_so_many_watch_at_once() -> None:
    stage = Stage()
    watches = [stage.tap.watch("cp1", Wanted()) for _ in range(WATCHES_MAX + 1)]
    for watch in watches[:-1]:
        watch.__enter__()
    with pytest.raises(FwdctlError, match="people watch messages already"), watches[-1]:
        pass
    for watch in watches[:-1]:
        watch.__exit__(None, None, None)
    await asyncio.sleep(0)
