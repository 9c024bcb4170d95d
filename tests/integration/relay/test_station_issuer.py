"""A station asks for a certificate while `local` owns its security, and gets one that lets it in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.adapters.development_ca import CERTIFICATE, DevelopmentCa
from reconciler.adapters.external_ca import ExternalCa
from reconciler.app.station_issuer import CertificateAuthority, StationIssuer
from reconciler.app.tasks import Background
from reconciler.model.desired import LOCAL, Role
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.relay.support import station, until
from tests.integration.websocket.certificates import Authority, new_request
from tests.support.relay import PASSIVE, LiveClock, Relay, backend, charger, relay
from tests.support.web_server import web_server

OWNER = Role("owner", frozenset({"*"}))
OFFICE = CertificateOffice()


@asynccontextmanager
async def owned_by_local(
    authority: CertificateAuthority | None, version: str
) -> AsyncIterator[tuple[Relay, SimulatedStation, SimulatedCsms]]:
    async with SimulatedCsms("observer") as observer, relay() as running:
        if authority is not None:
            node, recorder = running.node, running.recorder
            background = Background(lambda what, error: None)
            node.issuer = StationIssuer(
                authority,
                OFFICE,
                node.local_line.call,
                recorder.event,
                running.tally.log,
                LiveClock(),
                background,
                "My CPO",
            )
        legs = [(backend(LOCAL, ""), OWNER), (backend("observer", observer.url), PASSIVE)]
        await running.run(charger("cp1", legs))
        async with station(running, version) as connected:
            connected.manners.answers["CertificateSigned"] = {"status": "Accepted"}
            await connected.boot()
            yield running, connected, observer


def asks(request: bytes, version: str) -> dict[str, str]:
    kind = {} if version == "ocpp1.6" else {"certificateType": "ChargingStationCertificate"}
    return {"csr": request.decode(), **kind}


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_station_gets_a_certificate_of_the_embedded_ca(version: str, tmp_path: Path) -> None:
    authority = DevelopmentCa.open(tmp_path, LiveClock())
    key, request = new_request("CP1", "My CPO")
    async with owned_by_local(authority, version) as (running, connected, observer):
        assert await connected.call("SignCertificate", asks(request, version)) == {"status": "Accepted"}
        signed = await connected.wait_for("CertificateSigned")
        chain = signed.payload["certificateChain"].encode()
        assert OFFICE.chain_fault(chain, key, "CP1", LiveClock().now()) == ""
        leaf, *_ = x509.load_pem_x509_certificates(chain)
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate((tmp_path / CERTIFICATE).read_bytes()))
        await until(lambda: any(event.kind == "certificate-issued" for event in running.recorder.events))
        assert "SignCertificate" not in [call.action for call in observer.calls]
        assert connected.violations == []


@pytest.mark.parametrize(("name", "organization"), [("CP2", "My CPO"), ("CP1", "Another CPO")])
async def test_a_request_in_another_s_name_is_rejected(name: str, organization: str, tmp_path: Path) -> None:
    _, request = new_request(name, organization)
    async with owned_by_local(DevelopmentCa.open(tmp_path, LiveClock()), "ocpp1.6") as (running, connected, _):
        assert await connected.call("SignCertificate", asks(request, "ocpp1.6")) == {"status": "Rejected"}
        (event,) = [event for event in running.recorder.events if event.kind == "certificate-not-issued"]
        assert "is not" in event.summary


async def test_without_a_ca_requests_are_rejected() -> None:
    _, request = new_request("CP1", "My CPO")
    async with owned_by_local(None, "ocpp2.0.1") as (_, connected, _observer):
        assert await connected.call("SignCertificate", asks(request, "ocpp2.0.1")) == {"status": "Rejected"}


async def test_a_station_gets_a_certificate_of_an_external_ca_that_was_away_for_a_moment() -> None:
    authority = Authority("an external CA")
    key, request = new_request("CP1", "My CPO")
    async with web_server() as hook:
        external = ExternalCa(hook.url, b"shared", LiveClock(), waits_s=(0.01, 0.01))
        async with owned_by_local(external, "ocpp2.1") as (_, connected, _observer):
            hook.status = 503
            assert await connected.call("SignCertificate", asks(request, "ocpp2.1")) == {"status": "Accepted"}
            await hook.bell.until(lambda: len(hook.posted) >= 1, 5.0, lambda: "a request")
            hook.body = json.dumps({"certificateChain": authority.sign(request.decode())}).encode()
            hook.status = 200
            signed = await connected.wait_for("CertificateSigned")
            assert OFFICE.chain_fault(signed.payload["certificateChain"].encode(), key, "CP1", LiveClock().now()) == ""
            assert hook.posted[0].json["serial_number"] == "CP1"
