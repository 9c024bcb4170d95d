"""`ocpp-rpc` stations and CSMSs with security profiles 1, 2 and 3 through the relay, own credentials on each leg."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles
from reconciler.model.desired import SecretRef, Security
from tests.integration.third_party.ocpp_rpc import CallRefused, Ends, csms, install, node, ocpp_rpc_ends
from tests.integration.third_party.ocpp_rpc import station as station_end
from tests.integration.third_party.words import WORDS, Words
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PRIMARY, Relay, backend, charger, relay

node()

DOWN, UP = "what the station knows", "what the relay tells the CSMS"
SERIAL = "s"
"""As these stations name themselves when they boot (`words.py`), which profile 3 holds against the certificate."""
SECURED = Security(
    password=SecretRef("env", "UP"),
    trusted_ca=SecretRef("file", "ca"),
    certificate=SecretRef("file", "certificate"),
    private_key=SecretRef("file", "key"),
)


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install()


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Return the one that signs everybody here."""
    return Authority("everybody's CA")


def shown(authority: Authority, pair: tuple[bytes, bytes]) -> dict[str, str]:
    """Return a certificate as Node's TLS takes it, with the CA that it trusts."""
    return {"ca": authority.pem.decode(), "cert": pair[0].decode(), "key": pair[1].decode()}


def csms_side(authority: Authority, profile: int) -> dict[str, Any]:
    """Return how the CSMS asks for this profile."""
    password = {"password": UP} if profile in (1, 2) else {}
    if profile == 1:
        return password
    return {**password, "tls": shown(authority, authority.issue("localhost")) | {"requestCert": profile == 3}}


def station_side(authority: Authority, profile: int, *, serial: str = SERIAL, password: str = DOWN) -> dict[str, Any]:
    """Return how the station has this profile."""
    known = {"password": password} if profile in (1, 2) else {}
    tls = {2: {"ca": authority.pem.decode()}, 3: shown(authority, authority.issue(serial))}
    return {**known, "tls": tls[profile]} if profile in tls else known


@asynccontextmanager
async def doors(tmp_path: Path, authority: Authority) -> AsyncIterator[tuple[Relay, Mapping[int, str]]]:
    """Run a relay with both doors, and the URL of each profile's door."""
    certificate, key = authority.issue(SERIAL)
    known = {"DOWN": DOWN.encode(), "UP": UP.encode(), "ca": authority.pem, "certificate": certificate, "key": key}
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    pairs = tuple(authority.server_files(tmp_path, "localhost", rsa_key=rsa_key) for rsa_key in (True, False))
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(relay(known))
        door = StationListener(running.node, host="127.0.0.1", port=0, tls=StationTls(TlsFiles(pairs, ca)).context)
        await door.start()
        stack.push_async_callback(door.stop)
        secured = f"wss://localhost:{door.port}"
        yield running, {1: running.url, 2: secured, 3: secured}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("profile", [1, 2, 3])
async def test_a_transaction_passes_with_every_profile_on_both_legs(
    words: Words, profile: int, authority: Authority, tmp_path: Path
) -> None:
    async with ocpp_rpc_ends() as ends, doors(tmp_path, authority) as (running, urls):
        a = await csms(ends, "a", words.version, words.csms(7), **csms_side(authority, profile))
        await declare(running, a.url, profile)
        station = await station_end(
            ends, "station", words.version, urls[profile], "CP1", words.station(), **station_side(authority, profile)
        )
        for said in words.settling:
            await station.call(*said)
        transaction = words.named(await station.call(*words.start()))
        await station.call(*words.meter(transaction, 100))
        stop = words.stop(transaction, 300)
        await station.call(*stop)
        assert a.seen == [*words.settling, words.start(), words.meter(transaction, 100), stop]
        assert ends.of("violation") == ends.of("closed") == []
        await station.close()


@pytest.mark.parametrize("profile", [1, 2, 3])
async def test_a_strict_station_with_another_s_credential_is_refused(
    profile: int, authority: Authority, tmp_path: Path
) -> None:
    words = WORDS["ocpp1.6"]
    async with ocpp_rpc_ends() as ends, doors(tmp_path, authority) as (running, urls):
        a = await csms(ends, "a", words.version, words.csms(7), **csms_side(authority, profile))
        await declare(running, a.url, profile)
        wrong = station_side(authority, profile, serial="SN-0002", password="what the relay tells")
        with pytest.raises(CallRefused):
            await station_end(ends, "station", words.version, urls[profile], "CP1", words.station(), **wrong)
        assert no_connection(ends)


async def declare(running: Relay, url: str, profile: int) -> None:
    """Declare the station, with this profile on both legs and a credential of its own on each."""
    upward = replace(SECURED, profile=profile)
    downward = Security(profile, password=SecretRef("env", "DOWN"), trusted_ca=SecretRef("file", "ca"))
    declared = charger("cp1", [(backend("a", url, security=upward), PRIMARY)], security=downward)
    await running.run(replace(declared, serial_number=SERIAL))


def no_connection(ends: Ends) -> bool:
    """Tell whether nobody reached a CSMS."""
    return ends.of("connected") == []
