"""The spec of every kind (`apiVersion: fwdctl/v1`) as strict frozen models; specs/*.json is made from them."""

from collections.abc import Mapping
from typing import Final

from reconciler.model.kinds.backend import BackendSpec, Health, LocalAnswersSpec
from reconciler.model.kinds.base import SpecModel
from reconciler.model.kinds.binding import BackendBindingSpec, BoundBackend, Failover, Flip
from reconciler.model.kinds.charger import ChargerSpec, Dispenser, QuirksSpec, SplitSystemSpec
from reconciler.model.kinds.contact import Contact, Webhook
from reconciler.model.kinds.local_rules import LoadPolicySpec, NotificationRuleSpec
from reconciler.model.kinds.metadata import Metadata
from reconciler.model.kinds.role import BUILT_IN_ROLES, RoleSpec, VendorMessageSpec
from reconciler.model.kinds.schedule import ChangeWindowSpec, Notice, ScheduledOutageSpec, WindowSpec
from reconciler.model.kinds.secret_reference import SecretReference
from reconciler.model.kinds.security_profile import SecurityProfileSpec
from reconciler.model.kinds.selector import Selector

API_VERSION: Final = "fwdctl/v1"

Spec = (
    SecurityProfileSpec
    | BackendSpec
    | RoleSpec
    | ChargerSpec
    | SplitSystemSpec
    | BackendBindingSpec
    | ScheduledOutageSpec
    | ChangeWindowSpec
    | NotificationRuleSpec
    | LoadPolicySpec
)
"""The `spec` of any kind."""

SPEC_MODELS: Final[Mapping[str, type[Spec]]] = {
    "SecurityProfile": SecurityProfileSpec,
    "Backend": BackendSpec,
    "Role": RoleSpec,
    "Charger": ChargerSpec,
    "SplitSystem": SplitSystemSpec,
    "BackendBinding": BackendBindingSpec,
    "ScheduledOutage": ScheduledOutageSpec,
    "ChangeWindow": ChangeWindowSpec,
    "NotificationRule": NotificationRuleSpec,
    "LoadPolicy": LoadPolicySpec,
}
"""Kind as written in YAML -> the model of its spec."""

__all__ = [
    "API_VERSION",
    "BUILT_IN_ROLES",
    "SPEC_MODELS",
    "BackendBindingSpec",
    "BackendSpec",
    "BoundBackend",
    "ChangeWindowSpec",
    "ChargerSpec",
    "Contact",
    "Dispenser",
    "Failover",
    "Flip",
    "Health",
    "LoadPolicySpec",
    "LocalAnswersSpec",
    "Metadata",
    "Notice",
    "NotificationRuleSpec",
    "QuirksSpec",
    "RoleSpec",
    "ScheduledOutageSpec",
    "SecretReference",
    "SecurityProfileSpec",
    "Selector",
    "Spec",
    "SpecModel",
    "SplitSystemSpec",
    "VendorMessageSpec",
    "Webhook",
    "WindowSpec",
]
