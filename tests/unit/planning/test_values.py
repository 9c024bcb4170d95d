"""Values: every field of a spec reaches the relay."""

from reconciler.model.desired import (
    Backend,
    FlipPolicy,
    Handover,
    LocalAnswers,
    Quirks,
    Role,
    SecretRef,
    Security,
    VendorMessage,
)
from reconciler.model.kinds import BUILT_IN_ROLES
from reconciler.planning.values import BUILT_IN, LOCAL_BACKEND
from tests.support.sites import EVERY_KIND, valid_site


def test_the_built_in_roles_are_those_whose_names_are_reserved() -> None:
    assert tuple(BUILT_IN) == BUILT_IN_ROLES
    assert BUILT_IN["primary"].owns == {"*"}
    assert BUILT_IN["passive"].observes == {"*"}
    assert BUILT_IN["standby"].observes == {"provisioning", "availability"}
    assert [name for name, role in BUILT_IN.items() if not role.connected] == ["off"]


def test_local_needs_no_socket_and_speaks_everything() -> None:
    assert LOCAL_BACKEND.url == ""
    assert set(LOCAL_BACKEND.versions) == {"ocpp2.1", "ocpp2.0.1", "ocpp1.6"}


def test_a_spec_becomes_what_the_relay_is_told() -> None:
    charger = valid_site(EVERY_KIND).chargers["cp001"]
    assert charger.security == Security(
        profile=2,
        min_tls_version="1.3",
        password=SecretRef("file", "stations/{identity}"),
        password_encoding="hex",
        trusted_ca=SecretRef("file", "ca.pem"),
        certificate=SecretRef("file", "relay.pem"),
        private_key=SecretRef("env", "FWDCTL_SECRET_KEY"),
        allow_downgrade_from=3,
    )
    assert charger.legs[0].backend == Backend(
        name="partner-pay",
        url="wss://ocpp.partner.example/ocpp",
        versions=("ocpp2.1", "ocpp2.0.1", "ocpp1.6"),
        security=Security(profile=2, password=SecretRef("env", "FWDCTL_SECRET_PARTNER")),
        call_timeout_s=15.0,
        down_after_s=20.0,
        up_after_s=180.0,
        half_duplex=True,
        compression="off",
    )
    assert charger.legs[1].role == Role(
        "energy", frozenset({"smart-charging"}), may_read=True, vendor_messages=(VendorMessage("com.acme.*"),)
    )
    assert charger.flip == FlipPolicy("wait", 90.0, Handover(charging_profiles="clear", availability="restore"))
    assert charger.when_owner_is_down == "failover"
    assert charger.quirks == Quirks("ocpp1.6", 60.0, "off")
    assert charger.local == LocalAnswers("accept", 60.0)
    assert charger.labels == {"site": "depot-a", "vendor": "acme"}
