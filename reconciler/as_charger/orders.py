"""Orders: every action that may concern a leg, and who decides on it."""

from collections.abc import Callable, Mapping
from typing import Final

from reconciler.as_charger.asked import Asked, Decision
from reconciler.as_charger.certificates import (
    certificate_signed,
    delete_certificate,
    install_certificate,
    installed_certificates,
    sign_triggered,
)
from reconciler.as_charger.configuration16 import change_configuration
from reconciler.as_charger.network_profiles import reset, set_network_profile
from reconciler.as_charger.variables import set_variables

_DECIDERS: Final[Mapping[str, Callable[[Asked], Decision | None]]] = {
    "ChangeConfiguration": change_configuration,
    "SetVariables": set_variables,
    "SetNetworkProfile": set_network_profile,
    "Reset": reset,
    "TriggerMessage": sign_triggered,
    "ExtendedTriggerMessage": sign_triggered,
    "CertificateSigned": certificate_signed,
    "InstallCertificate": install_certificate,
    "DeleteCertificate": delete_certificate,
    "GetInstalledCertificateIds": installed_certificates,
}


def decide(asked: Asked) -> Decision | None:
    """Return what is to become of a CALL about its sender's leg, None where that can only be refused."""
    decider = _DECIDERS.get(asked.action)
    return None if decider is None else decider(asked)
