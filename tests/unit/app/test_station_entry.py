"""Who fails too often waits, before a secret is read; who comes in is remembered."""

import base64

from msgspec.structs import replace

from reconciler.app.charger_slot import ChargerSlot
from reconciler.app.failure_limits import OF_ADDRESS, OF_CHARGER
from reconciler.app.legs import Knock, Refuse
from reconciler.app.station_entry import StationEntry
from reconciler.app.stored_passwords import StoredPasswords
from reconciler.model.desired import SecretRef, Security
from reconciler.relay.memory import SessionMemory
from tests.support.clock import FakeClock
from tests.support.relay import PRIMARY, KnownSecrets, backend, charger

SECURED = Security(1, password=SecretRef("env", "PASSWORD"))


class Counting(KnownSecrets):
    """Counts reads."""

    reads = 0

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return the secret."""
        self.reads += 1
        return super().resolve(ref, identity)


def knock(password: bytes, remote: str = "10.0.0.1:1") -> Knock:
    """Return a station's knock."""
    header = f"Basic {base64.b64encode(b'CP1:' + password).decode()}"
    return Knock("CP1", ("ocpp1.6",), header, remote, "/CP1")


class Door:
    """An entry with one charger."""

    def __init__(self) -> None:
        self.secrets, self.clock = Counting({"PASSWORD": b"right"}), FakeClock()
        self.entry = StationEntry(self.secrets, self.clock, "", StoredPasswords(self.clock))
        self.slot = ChargerSlot(
            replace(charger("cp1", [(backend("a", "ws://a"), PRIMARY)]), security=SECURED), 1, SessionMemory()
        )

    async def try_with(self, knock: Knock, *, known: bool = True) -> Refuse | None:
        """Knock, and let it be concluded."""
        slot = self.slot if known else None
        refused = await self.entry.refusal(knock, slot)
        self.entry.concluded(knock, slot, refused)
        return refused


async def test_who_fails_too_often_is_told_when_to_come_back_and_costs_nothing_more() -> None:
    door = Door()
    failures = [await door.try_with(knock(b"wrong")) for _ in range(OF_CHARGER.burst)]
    assert {refused.status for refused in failures if refused} == {401}
    reads = door.secrets.reads
    refused = await door.try_with(knock(b"right"))
    assert refused == Refuse(429, "too many failed attempts", retry_after_s=1)
    assert door.secrets.reads == reads
    door.clock.advance(1)
    assert await door.try_with(knock(b"right")) is None


async def test_an_attacker_from_elsewhere_does_not_lock_the_station_out() -> None:
    door = Door()
    assert await door.try_with(knock(b"right")) is None
    for _ in range(100):
        await door.try_with(knock(b"wrong", "10.6.6.6:1"))
    assert await door.try_with(knock(b"wrong", "10.6.6.6:1")) == Refuse(
        429, "too many failed attempts", retry_after_s=1
    )
    assert await door.try_with(knock(b"right", "10.0.0.1:77")) is None


async def test_guessing_identities_is_limited_by_address() -> None:
    door = Door()
    statuses = [
        refused.status for _ in range(OF_ADDRESS.burst + 1) if (refused := await door.try_with(knock(b""), known=False))
    ]
    assert statuses == [404] * OF_ADDRESS.burst + [429]


async def test_trouble_of_our_own_is_not_held_against_the_station() -> None:
    door = Door()
    door.slot.desired = replace(door.slot.desired, security=Security(1, password=SecretRef("env", "GONE")))
    statuses = {refused.status for _ in range(100) if (refused := await door.try_with(knock(b"right")))}
    assert statuses == {503}


async def test_ten_thousand_stations_that_come_back_with_the_right_password_meet_no_limit() -> None:
    door = Door()
    for _ in range(10_000):
        assert await door.try_with(knock(b"right")) is None
    assert door.secrets.reads == 1
