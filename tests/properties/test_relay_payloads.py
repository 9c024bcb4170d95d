"""Whatever payloads the ends send and answer, for every action: the relay core never raises (R16)."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.features import OCPP_VERSIONS
from reconciler.relay import commands, events
from reconciler.relay.catalogue import CATALOGUE
from reconciler.relay.memory import SessionMemory
from reconciler.relay.session import Session
from tests.support.roles import PASSIVE, PRIMARY, charger, hybrid

DESIRED = charger(
    {"home": PRIMARY, "pay": hybrid("authorization", "tariff-and-cost", vendors=["iso*"]), "eye": PASSIVE}
)
KEYS = (
    *("transactionId", "reservationId", "id", "chargingProfileId", "csChargingProfiles", "chargingProfile", "status"),
    *("chargingProfilePurpose", "stackLevel", "connectorId", "evseId", "evse", "type", "listVersion", "versionNumber"),
    *("requestId", "certificateType", "certificateHashData", "certificateHashDataChain", "serialNumber", "key"),
    *("setVariableData", "getVariableData", "setMonitoringData", "component", "variable", "name", "message", "idTag"),
    *("controlId", "tariffIds", "idTagInfo", "idToken", "idTokenInfo", "interval", "eventType", "transactionInfo"),
    *("vendorId", "messageId", "chargingProfileCriteria", "requestedMessage", "operationalStatus", "customData"),
)
WORDS = [
    "Accepted",
    "Scheduled",
    "Inoperative",
    "Started",
    "Ended",
    "TxProfile",
    "iso.x",
    "",
    "Idle",
    "Installed",
    "a b c d e f",
]
HUGE = '"<huge>"'
"""Stands for a number of 5,000 digits, which Python refuses to convert."""

scalars = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([1.5, 1e300, 2**70, *WORDS, "<huge>"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=10,
)
payloads = st.dictionaries(st.sampled_from(KEYS), values, max_size=6) | st.none()


def text(payload: Any) -> bytes:
    return json.dumps(payload).replace(HUGE, "9" * 5000).encode()


class Ends:
    """Answer every CALL of the relay's with the next of these payloads."""

    def __init__(self, version: str, answers: list[Any]) -> None:
        ids = (f"r{number}" for number in itertools.count(1))
        self.session = Session(version, 1, DESIRED, SessionMemory(), lambda: next(ids))
        self.answers = itertools.cycle(answers)
        self.now = 0.0
        self.given = self.session.open(self.now)

    def happens(self, *what: events.Event) -> None:
        inbox = list(what)
        for _ in range(200):
            if not inbox:
                return
            for command in self.session.handle(inbox.pop(0), self.now):
                answer = self.answer(command)
                if answer is not None:
                    inbox.append(answer)

    def answer(self, command: commands.Command) -> events.Event | None:
        if isinstance(command, commands.SendToStation) and command.frame.lstrip()[:2] == b"[2":
            token = command.frame.split(b",")[1].strip()
            return events.StationFrameReceived(b"[3,%b,%b]" % (token, text(next(self.answers))))
        if isinstance(command, commands.SendToLeg) and command.frame.lstrip()[:2] == b"[2":
            token = command.frame.split(b",")[1].strip()
            payload = b'{"status":"Accepted","interval":9}' if b'"BootNotification"' in command.frame else None
            return events.LegFrameReceived(command.backend, b"[3,%b,%b]" % (token, payload or text(next(self.answers))))
        return None


@pytest.mark.parametrize("version", OCPP_VERSIONS)
@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(st.data())
def test_no_payload_of_anybody_raises(version: str, data: st.DataObject) -> None:
    answers = data.draw(st.lists(payloads, min_size=2, max_size=6), "answers")
    ends = Ends(version, answers)
    names = [leg.backend.name for leg in DESIRED.legs]
    ends.happens(*[events.LegOpened(name) for name in names])
    ends.happens(events.StationFrameReceived(b'[2,"boot","BootNotification",{}]'))
    for number in range(data.draw(st.integers(1, 6), "frames")):
        action = data.draw(st.sampled_from(sorted(CATALOGUE[version])), "action")
        raw = b'[2,"%d","%b",%b]' % (number, action.encode(), text(data.draw(payloads, "payload")))
        if CATALOGUE[version][action].from_station:
            ends.happens(events.StationFrameReceived(raw))
        else:
            ends.happens(events.LegFrameReceived(data.draw(st.sampled_from(names), "back-end"), raw))
    ends.now += 60
    ends.happens(events.TimerFired())
    memory = ends.session.state.memory
    assert (
        SessionMemory.restored(version, None, {}, json.loads(json.dumps(memory.snapshot())), 0.0).snapshot()
        == memory.snapshot()
    )
