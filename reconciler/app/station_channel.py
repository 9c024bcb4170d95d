"""Whether a station comes in as its security profile says: plain or TLS, whose certificate, no lower than before."""

from reconciler.app.legs import Knock, Refuse, StationCertificate
from reconciler.app.ports import Secrets
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import DesiredCharger

TLS_PROFILES = (2, 3)
MUTUAL_TLS = 3
BAD_CERTIFICATE = "invalid-client-certificate"


def check_channel(knock: Knock, charger: DesiredCharger, secrets: Secrets, organization: str) -> Refuse | None:
    """Return why this station may not come in by the door it chose, or None where it may.

    Profiles 0 and 1 are served without TLS only, 2 and 3 with TLS only (OCPP: other profiles are refused).
    `organization` is what the O of stations' certificates must hold; "" asks for none.
    """
    security = charger.security
    if knock.tls != (security.profile in TLS_PROFILES):
        way = "needs TLS" if not knock.tls else "is served without TLS"
        return _refused(
            "wrong-security-profile",
            f"{charger.name} is declared with security profile {security.profile}, which {way}",
        )
    if knock.tls and knock.tls_version < f"TLSv{security.min_tls_version}":
        return _refused(
            "old-tls-version", f"{charger.name} needs TLS {security.min_tls_version}, and this is {knock.tls_version}"
        )
    if security.profile != MUTUAL_TLS:
        return None
    if knock.certificate is None:
        return _refused(BAD_CERTIFICATE, f"{charger.name} showed no client certificate")
    return _check_subject(knock.certificate, charger, organization) or _check_issuer(
        knock.certificate, charger, secrets
    )


def check_downgrade(charger: DesiredCharger, highest_profile: int, version: str | None) -> Refuse | None:
    """Return why a station that came in with `highest_profile` before may not come in with less now (OCPP A05).

    `allowDowngradeFrom` lifts it for OCPP 2.x, from that profile to another one with TLS.
    """
    profile, allowed_from = charger.security.profile, charger.security.allow_downgrade_from
    if profile >= highest_profile:
        return None
    speaks_2x = version is not None and version != "ocpp1.6"
    if speaks_2x and profile in TLS_PROFILES and allowed_from is not None and highest_profile <= allowed_from:
        return None
    return _refused(
        "profile-downgrade",
        f"{charger.name} came in with security profile {highest_profile} before, and {profile} is less",
    )


def _refused(event: str, reason: str) -> Refuse:
    return Refuse(403, reason, security_event=event)


def serial_number_of(charger: DesiredCharger) -> str:
    """Return what the CN of this charger's certificate must be: its serial number, or its identity without one."""
    return charger.serial_number or charger.identity


def _check_subject(certificate: StationCertificate, charger: DesiredCharger, organization: str) -> Refuse | None:
    if certificate.common_name != serial_number_of(charger):
        return _refused(
            BAD_CERTIFICATE, f"the client certificate is not {charger.name}'s: its CN is not the serial number"
        )
    if organization and organization not in certificate.organizations:
        return _refused(BAD_CERTIFICATE, f"the client certificate of {charger.name} is of another organisation")
    return None


def _check_issuer(certificate: StationCertificate, charger: DesiredCharger, secrets: Secrets) -> Refuse | None:
    trusted_ca = charger.security.trusted_ca
    if trusted_ca is None:
        return Refuse(403, f"{charger.name} has security profile 3 and no trustedCa")
    try:
        issued = certificate.issued_by(secrets.resolve(trusted_ca, charger.identity))
    except SecretUnavailable as unavailable:
        return Refuse(503, unavailable.summary, retry_after_s=60)
    except ValueError:
        return Refuse(503, f"the trustedCa of {charger.name} holds no certificate", retry_after_s=60)
    return (
        None
        if issued
        else _refused(BAD_CERTIFICATE, f"the client certificate of {charger.name} is not by its trustedCa")
    )
