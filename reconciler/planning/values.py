"""From specs to the values that the relay is told."""

from typing import Final

from reconciler.model.desired import (
    LOCAL,
    Backend,
    FailoverRule,
    FlipPolicy,
    Handover,
    LocalAnswers,
    Quirks,
    Role,
    SecretRef,
    Security,
    VendorMessage,
)
from reconciler.model.features import EVERY_FEATURE, OCPP_VERSIONS
from reconciler.model.kinds import (
    BackendBindingSpec,
    BackendSpec,
    Flip,
    QuirksSpec,
    RoleSpec,
    SecretReference,
    SecurityProfileSpec,
)

BUILT_IN: Final = {
    role.name: role
    for role in (
        Role("primary", owns=frozenset({EVERY_FEATURE})),
        Role("passive", owns=frozenset()),
        Role("standby", owns=frozenset(), observes=frozenset({"provisioning", "availability"})),
        Role("off", owns=frozenset(), observes=frozenset(), connected=False),
    )
}
"""The roles that every site has, by name."""

LOCAL_BACKEND: Final = Backend(LOCAL, url="", versions=OCPP_VERSIONS)
"""The relay's own back-end."""


def security_of(spec: SecurityProfileSpec) -> Security:
    """Return how a leg of this profile is secured."""
    return Security(
        profile=spec.profile,
        min_tls_version=spec.min_tls_version,
        password=_ref(spec.password),
        password_encoding=spec.password_encoding,
        trusted_ca=_ref(spec.trusted_ca),
        certificate=_ref(spec.certificate),
        private_key=_ref(spec.private_key),
        allow_downgrade_from=spec.allow_downgrade_from,
        password_previous=_ref(spec.password_previous),
    )


def _ref(reference: SecretReference | None) -> SecretRef | None:
    return reference.ref if reference is not None else None


def backend_of(name: str, spec: BackendSpec, security: Security) -> Backend:
    """Return the back-end as it is dialled."""
    return Backend(
        name=name,
        url=spec.url or "",
        versions=spec.versions or (),
        security=security,
        call_timeout_s=float(spec.call_timeout),
        down_after_s=float(spec.health.down_after),
        up_after_s=float(spec.health.up_after),
        half_duplex=spec.half_duplex,
        compression=spec.compression,
        tls_url=spec.tls_url or "",
    )


def local_answers_of(spec: BackendSpec) -> LocalAnswers:
    """Return how `local` answers stations."""
    if spec.local is None:
        return LocalAnswers()
    return LocalAnswers(spec.local.authorize, float(spec.local.heartbeat_interval))


def role_of(name: str, spec: RoleSpec) -> Role:
    """Return the role."""
    return Role(
        name=name,
        owns=frozenset(spec.owns),
        observes=frozenset(spec.observes),
        may_read=spec.may_read,
        vendor_messages=tuple(VendorMessage(message.vendor_id, message.message_id) for message in spec.vendor_messages),
    )


def flip_of(spec: Flip) -> FlipPolicy:
    """Return how owners are changed."""
    rules = spec.handover
    handover = Handover(
        rules.charging_profiles,
        rules.reservations,
        rules.availability,
        rules.local_list,
        rules.display_messages,
        rules.der_controls,
    )
    return FlipPolicy(spec.open_transaction, float(spec.confirm_within), handover)


def failover_of(spec: BackendBindingSpec) -> FailoverRule | None:
    """Return who takes over from an owner that is away, None where nobody does."""
    if spec.failover is None or spec.when_owner_is_down != "failover":
        return None
    return FailoverRule(spec.failover.to, float(spec.failover.after), spec.failover.back)


def quirks_of(spec: QuirksSpec) -> Quirks:
    """Return what is tolerated of one charger."""
    ping_interval_s = None if spec.ping_interval is None else float(spec.ping_interval)
    return Quirks(spec.assume_version, ping_interval_s, spec.compression)
