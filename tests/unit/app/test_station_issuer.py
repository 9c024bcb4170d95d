"""Stations' requests: which are taken, and what becomes of them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reconciler.app.station_issuer import CHAIN_MAX, StationIssuer
from reconciler.app.tasks import Background
from reconciler.errors import NotIssued
from reconciler.local.csms import StationAnswer
from reconciler.model.history import HistoryEvent
from tests.support.clock import FakeClock
from tests.support.relay import PRIMARY, Tally, backend, charger

CP1 = charger("cp1", [(backend("local", ""), PRIMARY)])


class World:
    """A CA, a reader of requests and a station, as told."""

    def __init__(self) -> None:
        self.fault, self.chain, self.refusal = "", "the chain", ""
        self.answer = StationAnswer({"status": "Accepted"})
        self.events: list[HistoryEvent] = []
        self.called: list[tuple[str, str, Mapping[str, Any]]] = []
        self.held = asyncio.Event()
        self.held.set()
        self.tasks: list[asyncio.Task[Any]] = []
        self.issuer = StationIssuer(
            self, self, self.call, self.events.append, Tally().log, FakeClock(), Background(self._failed), "My CPO"
        )

    def _failed(self, what: str, error: BaseException) -> None:
        raise error

    async def issue(self, request: str, charger: str, serial: str) -> str:
        """Sign, or not."""
        await self.held.wait()
        if self.refusal:
            raise NotIssued(self.refusal)
        return self.chain

    def request_fault(self, request: str, common_name: str, organization: str) -> str:
        """Find fault."""
        assert (common_name, organization) == ("CP1", "My CPO")
        return self.fault

    def call(
        self, charger: str, action: str, payload: Mapping[str, Any], then: Callable[[StationAnswer], None]
    ) -> None:
        """Be the station."""
        self.called.append((charger, action, payload))
        then(self.answer)

    async def done(self) -> list[str]:
        """Let everything end, and return what history says."""
        for _ in range(5):
            await asyncio.sleep(0)
        return [event.kind for event in self.events]


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_what_is_signed_goes_to_the_station(version: str) -> None:
    world = World()
    assert world.issuer.asked(CP1, version, {"csr": "request"})
    assert await world.done() == ["certificate-issued"]
    ((_, action, payload),) = world.called
    assert (action, payload["certificateChain"]) == ("CertificateSigned", "the chain")
    assert ("certificateType" in payload) == (version != "ocpp1.6")


@pytest.mark.parametrize(
    "payload", [{}, {"csr": 5}, {"csr": "x" * 5_501}, {"csr": "x", "certificateType": "V2GCertificate"}]
)
async def test_what_is_no_request_is_rejected(payload: dict[str, Any]) -> None:
    world = World()
    assert not world.issuer.asked(CP1, "ocpp2.1", payload)
    assert (await world.done(), world.called) == (["certificate-not-issued"], [])


async def test_a_faulty_request_is_rejected_and_history_says_why() -> None:
    world = World()
    world.fault = "its CN is not CP1"
    assert not world.issuer.asked(CP1, "ocpp1.6", {"csr": "request"})
    assert "its CN is not CP1" in world.events[0].summary


async def test_one_request_at_a_time_of_each_station() -> None:
    world = World()
    world.held.clear()
    assert world.issuer.asked(CP1, "ocpp1.6", {"csr": "request"})
    assert not world.issuer.asked(CP1, "ocpp1.6", {"csr": "request"})
    world.held.set()
    await world.done()
    assert world.issuer.asked(CP1, "ocpp1.6", {"csr": "request"})
    await world.done()


@pytest.mark.parametrize(("refusal", "chain"), [("the CA is away", "x"), ("", "x" * (CHAIN_MAX + 1))])
async def test_what_the_ca_does_not_sign_is_told(refusal: str, chain: str) -> None:
    world = World()
    world.refusal, world.chain = refusal, chain
    assert world.issuer.asked(CP1, "ocpp1.6", {"csr": "request"})
    assert (await world.done(), world.called) == (["certificate-not-issued"], [])


@pytest.mark.parametrize("answer", [StationAnswer({"status": "Rejected"}), StationAnswer(None, "the station left")])
async def test_what_the_station_does_not_take_is_told(answer: StationAnswer) -> None:
    world = World()
    world.answer = answer
    world.issuer.asked(CP1, "ocpp1.6", {"csr": "request"})
    assert await world.done() == ["certificate-not-issued"]
