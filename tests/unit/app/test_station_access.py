"""Who may connect as which charging station, in which version, and when a live one has to connect anew."""

import base64
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.legs import Knock
from reconciler.app.secret_cache import SecretCache
from reconciler.app.station_access import check_credentials, choose_version, must_reconnect
from reconciler.app.stored_passwords import StoredPasswords
from reconciler.model.desired import DesiredCharger, Quirks, SecretRef, Security
from tests.support.clock import FakeClock
from tests.support.relay import PASSIVE, PRIMARY, KnownSecrets, backend, charger

STORED = SecretRef("env", "PASSWORD")
PASSWORDS = StoredPasswords(FakeClock())
SECRETS = SecretCache(KnownSecrets({"PASSWORD": b"a:b:c"}), FakeClock())
PLAIN = charger("cp1", [(backend("a", "ws://a"), PRIMARY)])
GUARDED = replace(PLAIN, security=Security(profile=1, password=STORED))


def knock(credentials: bytes | None = None, *, offers: tuple[str, ...] = ("ocpp1.6",)) -> Knock:
    header = None if credentials is None else f"Basic {base64.b64encode(credentials).decode()}"
    return Knock("CP1", offers, header, "10.0.0.1:5000", "/CP1")


async def status(desired: DesiredCharger, given: Knock) -> int | None:
    """Return the status with which a knock is refused, None where it is not."""
    refused = await check_credentials(given, desired, SECRETS, PASSWORDS)
    return None if refused is None else refused.status


async def test_without_a_profile_anybody_who_knows_the_identity_may_come_in() -> None:
    assert await status(PLAIN, knock()) is None
    assert await status(PLAIN, knock(b"CP1:whatever")) is None


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (b"CP1:a:b:c", None),
        (b"cp1:a:b:c", None),
        (b"CP1:" + b"a:b:c".hex().encode(), None),
        (b"CP1:a:b", 401),
        (b"CP1:a", 401),
        (b"CP1:", 401),
        (b"CP1", 401),
        (b":a:b:c", 401),
        (b"CP2:a:b:c", 401),
        (b"", 401),
        (b"CP1:" + b"x" * 129, 401),
        (None, 401),
    ],
)
async def test_profile_1_wants_the_identity_and_the_password_split_at_the_first_colon(
    credentials: bytes | None, expected: int | None
) -> None:
    assert await status(GUARDED, knock(credentials)) == expected


async def test_while_the_password_before_resolves_both_are_taken_and_then_only_the_new_one() -> None:
    kept = {"PASSWORD": b"the new one", "BEFORE": b"the old one"}
    secrets = SecretCache(KnownSecrets(kept), FakeClock())
    rotating = Security(profile=1, password=STORED, password_previous=SecretRef("env", "BEFORE"))
    desired = replace(PLAIN, security=rotating)

    async def let_in(password: bytes) -> bool:
        return await check_credentials(knock(b"CP1:" + password), desired, secrets, PASSWORDS) is None

    assert [await let_in(password) for password in (b"the new one", b"the old one", b"another")] == [True, True, False]
    del kept["BEFORE"]
    assert [await let_in(password) for password in (b"the new one", b"the old one")] == [True, False]


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Bearer Q1AxOmE6Yjpj", "Basic Q1AxOmE6Yjpj extra", ""])
async def test_a_header_that_can_not_be_read_is_no_credential(header: str) -> None:
    assert await status(GUARDED, replace(knock(), authorization=header)) == 401


async def test_trouble_of_the_server_s_own_is_told_apart_from_a_wrong_password() -> None:
    unresolved = replace(PLAIN, security=Security(profile=1, password=SecretRef("env", "GONE")))
    refused = await check_credentials(knock(b"CP1:x"), unresolved, SECRETS, PASSWORDS)
    assert refused is not None
    assert (refused.status, refused.retry_after_s) == (503, 60)
    assert await status(replace(PLAIN, security=Security(profile=1)), knock(b"CP1:x")) == 401


async def test_credentials_that_are_passed_on_are_judged_by_the_back_end() -> None:
    passing = replace(charger("cp1", [(backend("a", "ws://a"), PRIMARY, "passthrough")]), security=Security(profile=1))
    assert await status(passing, knock(b"CP1:anything")) is None
    assert await status(replace(passing, security=Security(profile=1, password=STORED)), knock(b"CP1:anything")) == 401


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        (("ocpp1.6",), "ocpp1.6"),
        (("ocpp2.0.1", "ocpp1.6"), "ocpp2.0.1"),
        (("ocpp1.6", "ocpp2.0.1"), "ocpp1.6"),
        (("ocpp1.5", "ocpp1.6"), "ocpp1.6"),
        (("ocpp1.5",), None),
        ((), None),
    ],
)
async def test_the_station_s_order_decides_among_what_both_speak(offers: tuple[str, ...], chosen: str | None) -> None:
    assert choose_version(knock(offers=offers), PLAIN) == chosen


async def test_an_owner_must_speak_the_version_and_an_observer_need_not() -> None:
    only16 = backend("a", "ws://a", versions=("ocpp1.6",))
    only201 = backend("b", "ws://b", versions=("ocpp2.0.1",))
    both = knock(offers=("ocpp2.0.1", "ocpp1.6"))
    assert choose_version(both, charger("cp1", [(only16, PRIMARY), (only201, PASSIVE)])) == "ocpp1.6"
    assert choose_version(both, charger("cp1", [(only16, PASSIVE), (only201, PRIMARY)])) == "ocpp2.0.1"
    assert choose_version(both, charger("cp1", [(only16, PRIMARY)], versions=("ocpp2.0.1",))) is None


async def test_a_station_that_offers_nothing_speaks_what_its_quirk_says() -> None:
    silent = replace(PLAIN, quirks=Quirks(assume_version="ocpp1.6"))
    assert choose_version(knock(offers=()), silent) == "ocpp1.6"
    assert choose_version(knock(offers=("ocpp2.1",)), silent) == "ocpp2.1"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"identity": "cp1"}, None),
        ({"identity": "CP2"}, "its identity changed"),
        ({"security": Security(profile=1, password=STORED)}, "its security profile changed"),
        ({"quirks": Quirks(ping_interval_s=5.0)}, "its quirks changed"),
        ({"versions": ("ocpp2.0.1",)}, "ocpp1.6 is no longer among its versions"),
        ({"versions": ("ocpp1.6",)}, None),
        ({"serial_number": "S"}, None),
        ({"labels": {"site": "north"}}, None),
    ],
)
async def test_only_what_the_handshake_decided_asks_for_a_new_connection(
    changes: dict[str, Any], why: str | None
) -> None:
    assert must_reconnect(PLAIN, replace(PLAIN, **changes), "ocpp1.6") == why
