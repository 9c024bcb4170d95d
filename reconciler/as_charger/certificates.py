"""Certificates on a leg: its own client certificate, and the back-end's roots (A02, A03, M03 to M05).

    TriggerMessage(Sign...) ──> SignCertificate, for a key that stays in the relay ──> CertificateSigned ──> verified
    InstallCertificate, DeleteCertificate of CSMS roots ──> what the leg trusts besides what the spec names

Where the spec names the back-end's CA, another root must be signed by one that is trusted already
(AdditionalRootCertificateCheck), and replaces the others once a connection was made with it alone; where it trusts the
system's CAs, any root may be added, and all stay.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from reconciler.as_charger.asked import MUTUAL_TLS, Asked, Decision, rejected

ROOTS_MAX: Final = 8
CHAIN_MAX: Final = {"ocpp1.6": 10_000, "ocpp2.0.1": 10_000, "ocpp2.1": 10_000}
CERTIFICATE_MAX: Final = {"ocpp1.6": 5_500, "ocpp2.0.1": 5_500, "ocpp2.1": 10_000}


def sign_triggered(asked: Asked) -> Decision:
    """Decide on a trigger of SignCertificate."""
    return Decision({"status": "Accepted"}, sign=True) if asked.serial else rejected()


def certificate_signed(asked: Asked) -> Decision:
    """Decide on CertificateSigned: the answer to our own request, or nothing."""
    chain, key = asked.payload.get("certificateChain"), asked.settings.asked_key
    if not isinstance(chain, str) or len(chain) > CHAIN_MAX[asked.version] or key is None:
        return rejected()
    try:
        fault = asked.papers.chain_fault(chain.encode(), key, asked.serial, asked.now)
    except ValueError:
        return rejected()
    if fault:
        return rejected()
    settings = replace(
        asked.settings,
        certificate=chain.encode(),
        private_key=key,
        certificate_expires_s=asked.papers.expires_at(chain.encode()).timestamp(),
        certificate_renew_s=asked.papers.renew_at(chain.encode()).timestamp(),
        asked_key=None,
    )
    return Decision({"status": "Accepted"}, (settings,), reconnect=asked.profile == MUTUAL_TLS)


def install_certificate(asked: Asked) -> Decision:
    """Decide on InstallCertificate of a CSMS root."""
    given, papers = asked.payload.get("certificate"), asked.papers
    if not isinstance(given, str) or len(given) > CERTIFICATE_MAX[asked.version]:
        return rejected()
    try:
        root, roots = given.encode(), asked.settings.roots or b""
        if papers.root_fault(root, asked.now):
            return rejected()
        (root,) = papers.split(root)
        installed = papers.split(roots) if roots else ()
        checked = asked.trusted is None or papers.is_issued_by(root, _trusted(asked))
    except ValueError:
        return rejected()
    if not checked or len(installed) >= ROOTS_MAX:
        return rejected()
    if root in installed:
        return Decision({"status": "Accepted"})
    new = None if asked.trusted is None else root
    settings = replace(asked.settings, roots=b"".join((*installed, root)), new_root=new)
    return Decision({"status": "Accepted"}, (settings,))


def delete_certificate(asked: Asked) -> Decision | None:
    """Decide on DeleteCertificate; one that the spec names stays, one that is none of ours is refused."""
    wanted = asked.payload.get("certificateHashData")
    if not isinstance(wanted, Mapping) or asked.settings.roots is None:
        return None
    installed = asked.papers.split(asked.settings.roots)
    left = tuple(root for root in installed if not _is_meant(asked, root, wanted))
    if len(left) == len(installed):
        return None
    if not left and asked.settings.only_roots:
        return Decision({"status": "Failed"})  # the root in use (M04.FR.06)
    new = asked.settings.new_root if asked.settings.new_root in left else None
    return Decision({"status": "Accepted"}, (replace(asked.settings, roots=b"".join(left) or None, new_root=new),))


def installed_certificates(asked: Asked) -> Decision:
    """Answer GetInstalledCertificateIds for CSMS roots: the spec's and those installed."""
    found = [asked.papers.hash_data(root, "SHA256") for root in asked.papers.split(_trusted(asked))]
    if not found:
        return Decision({"status": "NotFound"})
    if asked.version == "ocpp1.6":
        return Decision({"status": "Accepted", "certificateHashData": found})
    chains = [{"certificateType": "CSMSRootCertificate", "certificateHashData": each} for each in found]
    return Decision({"status": "Accepted", "certificateHashDataChain": chains})


def _trusted(asked: Asked) -> bytes:
    """Return the roots that the leg trusts now, PEM; without the system's."""
    spec = b"" if asked.settings.only_roots else asked.trusted or b""
    return spec + b"\n" + (asked.settings.roots or b"")


def _is_meant(asked: Asked, root: bytes, wanted: Mapping[str, Any]) -> bool:
    try:
        ours = asked.papers.hash_data(root, str(wanted.get("hashAlgorithm", "")))
    except ValueError:
        return False
    same = ("issuerNameHash", "issuerKeyHash", "serialNumber")
    return all(str(wanted.get(name, "")).lower() == ours[name].lower() for name in same)
