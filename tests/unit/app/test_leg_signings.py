"""Certificates of legs are asked for until they come, and anew before they expire."""

import json
from datetime import UTC, datetime, timedelta

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.app.leg_desk import LegDesk
from reconciler.app.leg_signings import ASK_AGAIN_S, RESTS_S
from reconciler.app.order_entry import TRIGGER
from tests.integration.websocket.certificates import Authority
from tests.support.clock import FakeClock
from tests.unit.app.legs_kept import Kept

CA = Authority("partner's CA")
SIGNING = '{"requestedMessage":"SignChargingStationCertificate"}'


class Legs(Kept):
    """A leg whose back-end signs, or does not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clock = FakeClock(datetime.now(UTC))
        self.desk: LegDesk = self.with_clock(self.clock)
        self.here = True

    async def looks(self) -> int:
        """Look once; return how often the back-end was asked by that."""
        before = len(self.calls)
        self.desk.signings.look(self.sign)
        await self.done()
        return len(self.calls) - before

    def sign(self, charger: str, backend: str) -> bool:
        """Be the session."""
        if self.here:
            self.desk.take(self.made(TRIGGER, b"{}", "ocpp2.0.1", answer=lambda payload: None))
        return self.here

    async def triggers(self) -> None:
        """Have the back-end want a certificate."""
        assert await self.order(SIGNING, "TriggerMessage", "ocpp2.0.1") == b'{"status":"Accepted"}'

    async def signs(self, asked: int, expires_in: timedelta) -> object:
        """Sign what was asked for at that place."""
        request = json.loads(self.calls[asked][1])["csr"]
        chain = CA.sign(request, expires_in=expires_in)
        return await self.order(json.dumps({"certificateChain": chain}), "CertificateSigned", "ocpp2.0.1")


async def test_what_does_not_come_is_asked_for_again_with_longer_and_longer_waits_then_given_up() -> None:
    legs = Legs()
    await legs.triggers()
    asked_after = []
    for second in range(0, 700, 10):
        if await legs.looks():
            asked_after.append(second)
        legs.clock.advance(10)
    assert asked_after == [60, 180, 420]  # 60 s, then 120, then 240
    assert len(legs.calls) == 1 + 3
    assert not [event for event in legs.events if event.kind == "leg-certificate-not-signed"]
    legs.clock.advance(480)
    await legs.looks()
    (told,) = [event for event in legs.events if event.kind == "leg-certificate-not-signed"]
    assert told.summary == "partner has signed no certificate for its leg of cp1: asked 4 times"
    legs.clock.advance(ASK_AGAIN_S)
    assert [await legs.looks() for _ in range(3)] == [0, 0, 0]  # nothing expires


async def test_the_back_end_says_how_patiently() -> None:
    legs = Legs()
    for variable, value in (("CertSigningWaitMinimum", "20"), ("CertSigningRepeatTimes", "1")):
        item = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": variable}, "attributeValue": value}
        await legs.order(json.dumps({"setVariableData": [item]}), "SetVariables", "ocpp2.0.1")
    await legs.triggers()
    legs.clock.advance(20)
    assert await legs.looks() == 1
    legs.clock.advance(40)
    assert await legs.looks() == 0
    assert legs.events[-1].kind == "leg-certificate-not-signed"


async def test_a_late_answer_to_an_earlier_request_fits_and_ends_it() -> None:
    legs = Legs()
    await legs.triggers()
    legs.clock.advance(60)
    assert await legs.looks() == 1
    assert await legs.signs(0, timedelta(days=90)) == b'{"status":"Accepted"}'
    legs.clock.advance(600)
    assert await legs.looks() == 0


async def test_a_trigger_begins_the_waits_anew() -> None:
    legs = Legs()
    await legs.triggers()
    legs.clock.advance(60)
    assert await legs.looks() == 1
    await legs.triggers()
    legs.clock.advance(60)
    assert await legs.looks() == 1


async def test_what_expires_is_asked_for_anew_with_another_key() -> None:
    legs = Legs()
    await legs.triggers()
    await legs.signs(0, timedelta(days=89))
    assert await legs.looks() == 0
    legs.clock.advance(timedelta(days=58).total_seconds())
    assert await legs.looks() == 0
    legs.clock.advance(timedelta(days=2).total_seconds())
    assert await legs.looks() == 1
    assert legs.calls[-1][1] != legs.calls[0][1]
    assert await legs.looks() == 0  # it has its time to come
    before = legs.desk.told("cp1", "partner")[1]
    assert await legs.signs(1, timedelta(days=200)) == b'{"status":"Accepted"}'
    assert legs.desk.told("cp1", "partner")[1] > before
    assert await legs.looks() == 0


async def test_a_certificate_that_is_due_when_it_comes_is_not_asked_for_over_and_over() -> None:
    legs = Legs()
    await legs.triggers()
    await legs.signs(0, timedelta(minutes=1))
    assert [await legs.looks() for _ in range(5)] == [0] * 5
    legs.clock.advance(RESTS_S)
    assert [await legs.looks() for _ in range(2)] == [0, 1]


async def test_a_leg_that_is_not_here_is_asked_as_soon_as_it_is() -> None:
    legs = Legs()
    await legs.triggers()
    legs.here = False
    legs.clock.advance(60)
    assert await legs.looks() == 0
    legs.here = True
    assert await legs.looks() == 1


def test_the_last_third_of_a_life_is_when_to_renew_at_most_thirty_days() -> None:
    office = CertificateOffice()
    for days, before in ((15, 15), (89, 30), (364, 30)):  # each began 30 days ago
        chain = CA.issue("SN-1", expires_in=timedelta(days=days))[0]
        assert office.expires_at(chain) - office.renew_at(chain) == timedelta(days=before)
