"""What back-ends order on their own legs is done there; the station keeps its socket and its credentials (R13)."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.model.desired import SecretRef, Security
from reconciler.model.live import LegPhase
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.relay.support import station, until
from tests.support.leg_desk import LegRows
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

OLD, NEW = "the first password", "another_password:1"
KEY = "00112233445566778899AABBCCDDEEFF"
PROFILE_1 = Security(profile=1, password=SecretRef("env", "PARTNER"))
VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


def basic(password: bytes | str) -> str:
    secret = password.encode() if isinstance(password, str) else password
    return "Basic " + base64.b64encode(b"CP1:" + secret).decode()


@dataclass
class Scene:
    """A back-end with a password, one that owns everything else, and a station that booted."""

    relay: Relay
    partner: SimulatedCsms
    station: SimulatedStation
    secrets: dict[str, bytes]

    async def orders(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Have the partner order something on its leg."""
        return await self.partner.call("CP1", action, payload)

    async def registered_again(self, connections: int) -> None:
        """Wait until the partner has seen so many handshakes and the leg is registered."""
        await self.partner.until(lambda: len(self.partner.connections) >= connections)
        await until(lambda: self.relay.phase("cp1", "partner") is LegPhase.REGISTERED)

    async def settled(self, outcome: str) -> None:
        """Wait until the relay has said what became of the change."""
        await until(lambda: self.relay.tally.counts.get(("leg_changes", outcome)) == 1, what=f"leg change {outcome}")

    def shown(self) -> list[str | None]:
        """Return the Authorization headers that the partner saw."""
        return [seen.authorization for seen in self.partner.connections]

    def credential(self) -> str:
        """Return what status says of the leg."""
        return next(leg.credential for leg in self.relay.live("cp1").legs if leg.backend == "partner")

    def untouched(self) -> None:
        """Fail where the station lost its connection, got a command, or anybody broke a rule."""
        assert self.station.disconnects == []
        assert self.station.commands == []
        assert self.partner.violations == self.station.violations == []


@asynccontextmanager
async def scene(
    version: str = "ocpp1.6", legs: LegRows | None = None, *, password: str = OLD, role: Any = PASSIVE
) -> AsyncIterator[Scene]:
    secrets = {"PARTNER": OLD.encode()}
    async with (
        SimulatedCsms("partner", password=password) as partner,
        SimulatedCsms("home") as home,
        relay(secrets, legs=legs) as running,
    ):
        other = PRIMARY if role is PASSIVE else PASSIVE
        legs_wanted = [(backend("partner", partner.url, security=PROFILE_1), role), (backend("home", home.url), other)]
        await running.run(charger("cp1", legs_wanted))
        async with station(running, version) as connected:
            await connected.boot()
            there = Scene(running, partner, connected, secrets)
            await there.registered_again(1)
            yield there


def set_password(version: str, password: str) -> tuple[str, dict[str, Any]]:
    if version == "ocpp1.6":
        return "ChangeConfiguration", {"key": "AuthorizationKey", "value": password}
    item = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": password,
    }
    return "SetVariables", {"setVariableData": [item]}


def said(answer: dict[str, Any]) -> str:
    return str(answer["status"] if "status" in answer else answer["setVariableResult"][0]["attributeStatus"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("role", [PASSIVE, PRIMARY], ids=["observer", "owner"])
async def test_a_back_end_changes_the_password_of_its_leg(version: str, role: Any) -> None:
    async with scene(version, role=role) as there:
        there.partner.password = NEW  # from its answer on, as the specification has it; the open connection stays
        assert said(await there.orders(*set_password(version, NEW))) == "Accepted"
        await there.settled("confirmed")
        assert there.shown() == [basic(OLD), basic(NEW)]
        assert "not confirmed" not in there.credential()
        assert "changed by partner" in there.credential()
        assert NEW not in str(there.relay.tally.lines) + str(there.relay.recorder.events) + there.credential()
        there.untouched()


@pytest.mark.parametrize("password", [bytes.fromhex(KEY), KEY], ids=["hex", "plain"])
async def test_an_authorization_key_of_hexadecimal_digits_works_whichever_way_it_was_meant(password: bytes) -> None:
    async with scene() as there:
        there.partner.password = password
        assert said(await there.orders(*set_password("ocpp1.6", KEY))) == "Accepted"
        await there.settled("confirmed")
        assert there.shown()[-1] == basic(password)
        there.untouched()


async def test_a_password_that_the_back_end_does_not_accept_itself_leads_back_to_the_former_one() -> None:
    async with scene() as there:
        assert said(await there.orders(*set_password("ocpp1.6", NEW))) == "Accepted"
        await there.settled("failed")
        await until(lambda: there.relay.phase("cp1", "partner") is LegPhase.REGISTERED)
        assert there.shown() == [basic(OLD), *[basic(NEW)] * 3, basic(OLD)]
        assert there.credential() == ""
        assert any(event.kind == "leg-change-failed" for event in there.relay.recorder.events)
        there.untouched()


async def test_a_back_end_that_is_away_for_a_while_after_its_order_locks_nobody_out() -> None:
    async with scene() as there:
        there.partner.manners.refuse_status = 503
        assert said(await there.orders(*set_password("ocpp1.6", NEW))) == "Accepted"
        await there.partner.until(lambda: len(there.partner.connections) >= 8)  # both were tried, in vain
        there.partner.password, there.partner.manners.refuse_status = NEW, None
        await there.settled("confirmed")
        assert there.shown()[-1] == basic(NEW)
        there.untouched()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("password", ["short", "x" * 65, "nöt-ascii-not-ascii", "tab\tand more characters"])
async def test_what_no_charger_would_take_is_rejected_and_changes_nothing(version: str, password: str) -> None:
    async with scene(version) as there:
        assert said(await there.orders(*set_password(version, password))) == "Rejected"
        assert len(there.partner.connections) == 1
        there.untouched()


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_the_new_password_outlives_the_relay(version: str) -> None:
    legs = LegRows()
    async with scene(version, legs) as there:
        there.partner.password = NEW
        await there.orders(*set_password(version, NEW))
        await there.settled("confirmed")
    assert NEW.encode() not in b"".join(leg.sealed for leg in legs.rows.values())
    async with scene(version, legs, password=NEW) as there:
        assert there.shown() == [basic(NEW)]
        assert "changed by partner" in there.credential()


async def test_a_relay_that_dies_before_the_new_password_is_proven_goes_on_with_the_proof() -> None:
    legs = LegRows()
    async with scene(legs=legs) as there:
        there.partner.manners.refuse_status = 503
        await there.orders(*set_password("ocpp1.6", NEW))
    async with scene(legs=legs, password=NEW) as there:
        await there.settled("confirmed")
        assert there.shown() == [basic(NEW)]


async def test_a_password_that_the_spec_gets_later_is_newer_and_counts() -> None:
    async with scene() as there:
        there.partner.password = NEW
        await there.orders(*set_password("ocpp1.6", NEW))
        await there.settled("confirmed")
        there.secrets["PARTNER"] = b"what the operator wrote"
        there.partner.password = "what the operator wrote"
        await there.partner.drop("CP1", 1012, "restarting")
        await there.settled("overtaken")
        await there.registered_again(3)
        assert there.shown()[-1] == basic("what the operator wrote")
        assert there.credential() == ""


async def test_what_can_not_be_stored_is_not_accepted() -> None:
    legs = LegRows()
    async with scene(legs=legs) as there:
        legs.away = True
        assert said(await there.orders(*set_password("ocpp1.6", NEW))) == "Rejected"
        await there.partner.drop("CP1", 1012, "restarting")
        await there.registered_again(2)
        assert there.shown() == [basic(OLD), basic(OLD)]
