"""The gate (M2): by feature and owner, offline, not booted, another version, no files."""

import pytest
from msgspec.structs import replace

from reconciler.local.operations.catalogue import OPERATIONS
from reconciler.local.operations.gate import offer
from reconciler.model.desired import LOCAL, Backend, DesiredCharger, Role, VendorMessage
from reconciler.model.features import OCPP_VERSIONS
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg
from reconciler.model.operations import Offer
from tests.support.relay import PASSIVE, PRIMARY, charger

HERE, PARTNER = Backend(LOCAL, "", OCPP_VERSIONS), Backend("partner-pay", "ws://127.0.0.1:1", OCPP_VERSIONS)
OURS = charger("cp001", [(HERE, PRIMARY), (PARTNER, PASSIVE)])
THEIRS = charger("cp001", [(HERE, PASSIVE), (PARTNER, PRIMARY)])


def live(desired: DesiredCharger, version: str = "ocpp1.6", phase: LegPhase = LegPhase.REGISTERED) -> LiveCharger:
    """Return `desired` as it runs."""
    legs = tuple(LiveLeg(leg.backend.name, leg.role.name, phase, 0) for leg in desired.legs)
    return LiveCharger("cp001", connected=True, since_s=0, version=version, owners=desired.owners, legs=legs)


def offered(name: str, desired: DesiredCharger, running: LiveCharger | None, *, files: bool = True) -> Offer:
    """Return what the gate says."""
    return offer(OPERATIONS[name], desired, running, files=files)


def test_where_local_owns_the_feature_it_is_available() -> None:
    assert offered("reset", OURS, live(OURS)) == Offer("reset", "provisioning", True, "local")


def test_in_proxy_mode_the_owner_and_the_way_out_are_named() -> None:
    found = offered("unlock", THEIRS, live(THEIRS))
    assert (found.available, found.owned_elsewhere, found.owner) == (False, True, "partner-pay")
    assert found.reason == "partner-pay owns remote-control on charger.cp001 (proxy mode)"
    assert found.way_out == 'fwdctl toggle cp001 --primary local --for 1h --reason "..."'


def test_what_runs_counts_and_not_what_is_wanted() -> None:
    assert offered("reset", OURS, live(THEIRS)).owned_elsewhere
    assert offered("reset", THEIRS, None).owned_elsewhere  # offline: what it is to run


def test_hybrid_roles_leave_local_what_they_leave_it() -> None:
    rest = Role("rest", frozenset({"*"}))
    energy = Role("energy", frozenset({"smart-charging", "remote-control"}))
    hybrid = charger("cp001", [(HERE, rest), (PARTNER, energy)])
    assert offered("reset", hybrid, live(hybrid)).available
    assert offered("unlock", hybrid, live(hybrid)).reason == (
        "partner-pay owns remote-control on charger.cp001 (role energy)"
    )


def test_a_role_that_may_read_may_read() -> None:
    reader = charger("cp001", [(HERE, replace(PASSIVE, may_read=True)), (PARTNER, PRIMARY)])
    assert offered("get-config", reader, live(reader)).available
    assert not offered("set-config", reader, live(reader)).available


def test_a_role_that_owns_messages_of_vendors_may_send_them() -> None:
    vendor = replace(PASSIVE, vendor_messages=(VendorMessage("com.acme"),))
    desired = charger("cp001", [(HERE, vendor), (PARTNER, PRIMARY)])
    if "data-transfer" in OPERATIONS:
        assert offered("data-transfer", desired, live(desired)).available
    assert not offered("reset", desired, live(desired)).available


@pytest.mark.parametrize(
    ("running", "reason", "way_out"),
    [
        (None, "cp001 is offline", "fwdctl status charger.cp001"),
        (LiveCharger("cp001", connected=False, since_s=0), "cp001 is offline", "fwdctl status charger.cp001"),
        (live(OURS, phase=LegPhase.CONNECTED), "cp001 has not booted yet", "fwdctl status charger.cp001"),
        (live(OURS, "ocpp2.0.1"), "OCPP 2.0.1 has no get-config", "fwdctl op cp001 get-variables"),
    ],
)
def test_what_else_is_in_the_way(running: LiveCharger | None, reason: str, way_out: str) -> None:
    found = offered("get-config", OURS, running)
    assert (found.available, found.owned_elsewhere, found.reason, found.way_out) == (False, False, reason, way_out)
