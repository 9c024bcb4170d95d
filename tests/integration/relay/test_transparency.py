"""A CSMS and a station see through the relay what they see without it, and the same with an observer beside them.

A conformance suite for CSMSs drives a station's side and judges what the CSMS does. So here every action of a version
goes both ways with a payload of its schema, is answered with another and with an error, and what each end received is
compared byte for byte with a connection that has no relay in it. Only the message ids of commands may differ, for the
relay chooses those at the station (R4); there is one primary, with the station's own credentials (`passthrough`).
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.model.desired import Security
from reconciler.model.live import LegPhase
from reconciler.relay.catalogue import CATALOGUE
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.ocpp_schemas import example, faults
from tests.support.relay import PASSIVE, PRIMARY, backend, charger, relay

VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
_TRANSACTION = 100
PASSWORD = "the station's own"
_COMMAND = re.compile(rb'^(\[2 ,)"[^"]*"')


@dataclass
class Line:
    """A station and its CSMS, with or without something between them."""

    station: SimulatedStation
    csms: SimulatedCsms

    async def station_asks(self, token: str, action: str, payload: Any, answer: bytes) -> None:
        """The station sends a CALL; the CSMS answers with these bytes, which arrive."""
        self.csms.manners.answers[action] = answer
        await self.station.send_raw(f'[2, "{token}","{action}" ,{_spaced(payload)}]')
        await self.station.expect_raw(answer, timeout_s=20)

    async def csms_asks(self, token: str, action: str, payload: Any, answer: str) -> None:
        """The CSMS sends a CALL; the station answers with this, its id put in, and that arrives."""
        self.station.manners.answers[action] = lambda call: answer.format(id=call.message_id).encode()
        await self.csms.send_raw("CP1", f'[2 ,"{token}", "{action}",{_spaced(payload)}]')
        await self.csms.until(lambda: answer.format(id=token).encode() in self.csms.raw("received", "CP1"), 20)

    def seen(self) -> tuple[list[bytes], list[bytes]]:
        """Return what the station and the CSMS received; the ids that the relay chooses are blanked at the station."""
        station = [_COMMAND.sub(rb'\1"#"', raw) for raw in self.station.raw("received")]
        return station, self.csms.raw("received", "CP1")


def _spaced(payload: Any) -> str:
    return json.dumps(payload, separators=(" , ", " :"), ensure_ascii=False)


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@asynccontextmanager
async def line(version: str, *, through_relay: bool, observers: int = 0) -> AsyncIterator[Line]:
    """Connect a station with its CSMS."""
    async with AsyncExitStack() as stack:
        csms = await stack.enter_async_context(SimulatedCsms("a", version, password=PASSWORD, validate=False))
        url, running = csms.url, None
        if through_relay:
            running = await stack.enter_async_context(relay())
            legs: list[Any] = [(backend("a", csms.url, security=Security(profile=1)), PRIMARY, "passthrough")]
            for number in range(observers):
                beside = await stack.enter_async_context(SimulatedCsms(f"b{number}", version, validate=False))
                beside.manners.unique_message_ids = False
                legs.append((backend(beside.name, beside.url), PASSIVE))
            await running.run(charger("cp1", legs, versions=[version], security=Security(profile=1)))
            url = running.url
        station = SimulatedStation("CP1", url, version, password=PASSWORD, obedient=False, validate=False)
        csms.manners.unique_message_ids = station.manners.unique_message_ids = False
        yield Line(await stack.enter_async_context(station), csms)
        if running is not None:
            assert [leg.phase for leg in running.live("cp1").legs] == [LegPhase.REGISTERED] * (1 + observers)
            assert running.tally.notes("refused-call") == running.tally.notes("stray-answer") == 0


async def cold_boot(on: Line, version: str) -> None:
    """Boot as a station that the CSMS keeps waiting: Pending, set up meanwhile, Rejected, and accepted at last."""
    boot = example(version, "BootNotification", "request", full=True)
    read = "GetConfiguration" if version == "ocpp1.6" else "GetVariables"
    answer = example(version, read, "response", full=True)
    early = '[4,"{}","SecurityError","not accepted yet",{{}}]'
    for number, status in enumerate(("Pending", "Rejected", "Accepted")):
        said = {"currentTime": "2026-12-01T02:00:00Z", "interval": 300, "status": status}
        result = f'[3,"b{number}", {json.dumps(said)}]'.encode()
        await on.station_asks(f"b{number}", "BootNotification", boot, result)
        if status == "Pending":
            command = example(version, read, "request", full=True)
            await on.csms_asks("p1", read, command, f'[3,"{{id}}",{_braced(json.dumps(answer))}]')
        if status != "Accepted":
            await on.station_asks(f"e{number}", "Heartbeat", {}, early.format(f"e{number}").encode())


def payloads(version: str, action: str) -> Iterator[tuple[Any, Any]]:
    """Yield request and response of an action, with all fields and with the required ones, as the schemas have it."""
    for number, full in enumerate((True, False)):
        asked, said = (example(version, action, kind, full=full) for kind in ("request", "response"))
        if version == "ocpp1.6" and "transactionId" in said:
            said["transactionId"] = _TRANSACTION + number  # a CSMS mints no id twice
        if version == "ocpp1.6" and "transactionId" in asked:
            asked["transactionId"] = _TRANSACTION
        assert not faults(version, action, "request", asked)
        assert not faults(version, action, "response", said)
        yield asked, said


async def every_action(on: Line, version: str) -> None:
    """Let every action go every way it can, answered by a result and by an error."""
    error = '[4, "{}","GenericError" ,"détail",{{"a" : 1.10}}]'
    for name, row in CATALOGUE[version].items():
        if row.is_send or name == "BootNotification":
            continue
        for number, (asked, said) in enumerate(payloads(version, name)):
            token, result = f"{name[:20]}-{number}", json.dumps(said, ensure_ascii=False)
            if row.from_station:
                await on.station_asks(f"s-{token}", name, asked, f'[3,"s-{token}" ,{result}]'.encode())
            if row.from_csms:
                await on.csms_asks(f"c-{token}", name, asked, f'[3,"{{id}}" ,{_braced(result)}]')
        if row.from_station:
            await on.station_asks(f"es-{token}", name, asked, error.format(f"es-{token}").encode())
        if row.from_csms:
            await on.csms_asks(f"ec-{token}", name, asked, error.replace('"{}"', '"{id}"'))


async def words_of_nobody(on: Line) -> None:
    """Actions that no specification has, either way."""
    await on.station_asks("u1", "NoSuchAction", {"a": 1}, b'[4,"u1","NotImplemented","",{}]')
    await on.csms_asks("u2", "NoSuchCommand", {"a": 1}, '[4,"{id}","NotImplemented","",{{}}]')


@pytest.mark.parametrize("version", VERSIONS)
async def test_both_ends_see_the_same_with_a_relay_between_them_and_with_an_observer_beside(version: str) -> None:
    seen = []
    for through_relay, observers in ((False, 0), (True, 0), (True, 1)):
        async with line(version, through_relay=through_relay, observers=observers) as between:
            await cold_boot(between, version)
            await every_action(between, version)
            await words_of_nobody(between)
            seen.append(between.seen())
    direct, alone, observed = seen
    rows = CATALOGUE[version].values()
    assert len(direct[0]) > 3 * sum(not row.is_send for row in rows)
    for name, through in (("alone", alone), ("observed", observed)):
        assert through[1] == direct[1], f"what the CSMS received, {name}"
        assert through[0] == direct[0], f"what the station received, {name}"


async def test_a_send_of_2_1_arrives_as_it_was_sent() -> None:
    frame = b'[6, "n1","NotifyPeriodicEventStream" ,{"id" :1,"pending":0,"basetime":"2026-12-01T02:00:00Z","data":[]}]'
    for through_relay in (False, True):
        async with line("ocpp2.1", through_relay=through_relay) as between:
            await cold_boot(between, "ocpp2.1")
            await between.station.send_raw(frame)
            await between.csms.until(lambda between=between: between.csms.raw("received", "CP1")[-1] == frame)
