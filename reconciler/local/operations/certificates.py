"""Certificates in the station: listed, installed, deleted. Roots of back-ends concern the leg and are refused (R13)."""

from collections.abc import Generator, Mapping
from typing import Any, Final, Literal

from pydantic import Field

from reconciler.local.operations.course import BadOrder, Course, Failed, Payload, Step, ask_for, text
from reconciler.local.operations.model import NoParameters, Parameters, Result
from reconciler.local.operations.operation import Operation, Order, every_version

CertificateUse = Literal["manufacturer-root", "v2g-root", "mo-root", "oem-root", "csms-root"]
_USES_16: Final = {"manufacturer-root": "ManufacturerRootCertificate", "csms-root": "CentralSystemRootCertificate"}
_USES_201: Final = {
    "manufacturer-root": "ManufacturerRootCertificate",
    "v2g-root": "V2GRootCertificate",
    "mo-root": "MORootCertificate",
    "csms-root": "CSMSRootCertificate",
}
_USES: Final[Mapping[str, Mapping[str, str]]] = {
    "ocpp1.6": _USES_16,
    "ocpp2.0.1": _USES_201,
    "ocpp2.1": _USES_201 | {"oem-root": "OEMRootCertificate"},
}


class Certificate(Result):
    """One certificate in the station, by its hashes."""

    type: str = ""
    hash_algorithm: str = ""
    issuer_name_hash: str = ""
    issuer_key_hash: str = ""
    serial_number: str = ""


class CertificatesResult(Result):
    """The certificates in the station."""

    certificates: tuple[Certificate, ...] = ()


def certificate_list(order: Order) -> Course:
    """List the certificates in the station."""
    found = yield from _listed(order)
    return CertificatesResult(certificates=tuple(found))


def _listed(order: Order) -> Generator[Step, Any, list[Certificate]]:
    found: list[Certificate] = []
    if not order.is_16:
        answer = yield from ask_for("GetInstalledCertificateIds", {}, "Accepted", "NotFound")
        for chain in _items(answer, "certificateHashDataChain"):
            data = chain.get("certificateHashData")
            found += [_certificate(text(chain, "certificateType"), data)] if isinstance(data, Mapping) else []
        return found
    for kind in sorted(_USES_16.values()):
        answer = yield from ask_for("GetInstalledCertificateIds", {"certificateType": kind}, "Accepted", "NotFound")
        found += [_certificate(kind, data) for data in _items(answer, "certificateHashData")]
    return found


def _items(answer: Payload, name: str) -> list[Payload]:
    items = answer.get(name)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _certificate(kind: str, data: Payload) -> Certificate:
    return Certificate(
        type=kind,
        hash_algorithm=text(data, "hashAlgorithm"),
        issuer_name_hash=text(data, "issuerNameHash"),
        issuer_key_hash=text(data, "issuerKeyHash"),
        serial_number=text(data, "serialNumber"),
    )


class CertificateInstallParameters(Parameters):
    """Which certificate to install, and what for."""

    use: CertificateUse
    """What the station is to trust it for."""
    certificate: str = Field(min_length=1, max_length=5500)
    """The certificate in PEM."""

    def shown(self) -> dict[str, Any]:
        """See Parameters; the certificate itself is too long to tell."""
        return {"use": self.use}


def certificate_install(order: Order) -> Course:
    """Install a root certificate."""
    wanted: CertificateInstallParameters = order.parameters
    use = _USES[order.version].get(wanted.use)
    if use is None:
        raise BadOrder(f"{order.version} has no certificate of use {wanted.use}")
    if "-----BEGIN CERTIFICATE-----" not in wanted.certificate:
        raise BadOrder("the certificate must be in PEM: -----BEGIN CERTIFICATE-----")
    payload = {"certificateType": use, "certificate": wanted.certificate}
    answer = yield from ask_for("InstallCertificate", payload, "Accepted")
    return Result(status=text(answer, "status"))


class CertificateDeleteParameters(Parameters):
    """Which certificate to delete."""

    serial: str = Field(min_length=1, max_length=40)
    """Its serial number, as certificate-list shows it."""


def certificate_delete(order: Order) -> Course:
    """Look a certificate up by its serial number, and delete it."""
    wanted: CertificateDeleteParameters = order.parameters
    listed = yield from _listed(order)
    found = next((one for one in listed if one.serial_number.lower() == wanted.serial.lower()), None)
    if found is None:
        raise Failed(f"the charging station has no certificate with the serial number {wanted.serial}")
    data = {
        "hashAlgorithm": found.hash_algorithm,
        "issuerNameHash": found.issuer_name_hash,
        "issuerKeyHash": found.issuer_key_hash,
        "serialNumber": found.serial_number,
    }
    answer = yield from ask_for("DeleteCertificate", {"certificateHashData": data}, "Accepted")
    return Result(status=text(answer, "status"))


_FEATURE: Final = "certificates"
OPERATIONS: Final = (
    Operation(
        "certificate-list",
        "list installed certificates",
        _FEATURE,
        every_version("GetInstalledCertificateIds"),
        NoParameters,
        CertificatesResult,
        certificate_list,
        read_only=True,
    ),
    Operation(
        "certificate-install",
        "install a root certificate",
        _FEATURE,
        every_version("InstallCertificate"),
        CertificateInstallParameters,
        Result,
        certificate_install,
    ),
    Operation(
        "certificate-delete",
        "delete a certificate",
        _FEATURE,
        every_version("GetInstalledCertificateIds", "DeleteCertificate"),
        CertificateDeleteParameters,
        Result,
        certificate_delete,
    ),
)
