"""Certificates, in the words of each version."""

import pytest

from reconciler.local.operations.certificates import Certificate, CertificatesResult
from reconciler.local.operations.course import BadOrder
from reconciler.model.operations import State
from tests.support.courses import SECOND_VERSIONS, VERSIONS, Play

DATA = {"hashAlgorithm": "SHA256", "issuerNameHash": "n", "issuerKeyHash": "k", "serialNumber": "0A"}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def listed(play: Play) -> Play:
    """Answer the listing: one certificate."""
    if play.version == "ocpp1.6":
        play.answer({"status": "NotFound"})  # CentralSystemRootCertificate
        return play.answer({"status": "Accepted", "certificateHashData": [DATA, 5]})
    chain = {"certificateType": "V2GRootCertificate", "certificateHashData": DATA}
    return play.answer({"status": "Accepted", "certificateHashDataChain": [chain]})


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_installed_is_listed(version: str) -> None:
    kind = "ManufacturerRootCertificate" if version == "ocpp1.6" else "V2GRootCertificate"
    found = Certificate(
        type=kind, hash_algorithm="SHA256", issuer_name_hash="n", issuer_key_hash="k", serial_number="0A"
    )
    assert listed(Play(version, "certificate-list")).end.result == CertificatesResult(certificates=(found,))


@pytest.mark.parametrize("version", VERSIONS)
def test_one_is_deleted_by_its_serial_number(version: str) -> None:
    play = listed(Play(version, "certificate-delete", {"serial": "0a"}))
    assert play.last == {"certificateHashData": DATA}
    assert play.answer({"status": "Accepted"}).end.state is State.SUCCEEDED
    assert listed(Play(version, "certificate-delete", {"serial": "ff"})).end.state is State.FAILED


@pytest.mark.parametrize("version", VERSIONS)
def test_one_is_installed(version: str) -> None:
    given = {"use": "manufacturer-root", "certificate": PEM}
    play = Play(version, "certificate-install", given)
    assert play.answer({"status": "Accepted"}).end.state is State.SUCCEEDED
    assert play.operation.read(given).shown() == {"use": "manufacturer-root"}
    with pytest.raises(BadOrder, match="PEM"):
        Play(version, "certificate-install", given | {"certificate": "MIIB"})


def test_a_version_installs_only_what_it_has() -> None:
    for version, use in (("ocpp1.6", "v2g-root"), ("ocpp2.0.1", "oem-root")):
        with pytest.raises(BadOrder, match="no certificate of use"):
            Play(version, "certificate-install", {"use": use, "certificate": PEM})
    for version in SECOND_VERSIONS:
        assert Play(version, "certificate-install", {"use": "mo-root", "certificate": PEM}).asked
