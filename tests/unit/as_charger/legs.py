"""A leg as a back-end finds it."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.as_charger.asked import Asked
from reconciler.as_charger.settings import LegSettings
from reconciler.model.desired import Backend, SecretRef, Security

NOW = datetime.now(UTC)
DECLARED = Backend(
    "partner", "ws://csms.example/ocpp", ("ocpp1.6",), Security(profile=1, password=SecretRef("env", "P"))
)


def asked(
    action: str,
    payload: dict[str, Any],
    *,
    version: str = "ocpp1.6",
    settings: LegSettings | None = None,
    trusted: bytes | None = None,
    **more: Any,
) -> Asked:
    """Return a CALL on a leg of security profile 1; `more` are fields of its Security."""
    declared = replace(DECLARED, security=replace(DECLARED.security, **more))
    return Asked(
        version, action, payload, "CP1", declared, settings or LegSettings(), CertificateOffice(), NOW, "SN-1", trusted
    )
