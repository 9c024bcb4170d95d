"""Which messages concern a leg itself, and how they are kept on it (R13)."""

import json

import pytest

from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.relay.catalogue import CATALOGUE
from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.terminated import concerns_leg, deletable_serials
from tests.support.dialogue import Dialogue
from tests.support.roles import PRIMARY, backend, charger

V16, V201 = "ocpp1.6", "ocpp2.0.1"
ROOT_HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "0A"}


def call(action: str, payload: object) -> Frame:
    frame = read_frame(json.dumps([2, "x", action, payload]).encode())
    assert isinstance(frame, Frame)
    return frame


def variable(component: str, name: str) -> dict[str, object]:
    return {"attributeValue": "1", "component": {"name": component}, "variable": {"name": name}}


CONCERN = [
    (V16, "ChangeConfiguration", {"key": "AuthorizationKey", "value": "x"}),
    (V16, "ChangeConfiguration", {"key": "securityProfile", "value": "2"}),
    (V16, "ChangeConfiguration", {"key": "ABB_CentralSystemURL", "value": "wss://x"}),
    (V16, "ChangeConfiguration", {"key": "OcppEndpoint", "value": "wss://x"}),
    (V16, "CertificateSigned", {"certificateChain": "x"}),
    (V16, "SignCertificate", {"csr": "x"}),
    (V16, "InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "x"}),
    (V16, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}),
    (V16, "DeleteCertificate", {"certificateHashData": ROOT_HASH}),
    (V201, "SetNetworkProfile", {}),
    (
        V201,
        "SetVariables",
        {"setVariableData": [variable("AuthCtrlr", "X"), variable("SecurityCtrlr", "BasicAuthPassword")]},
    ),
    (V201, "SetVariables", {"setVariableData": [variable("OCPPCommCtrlr", "NetworkConfigurationPriority")]}),
    (V201, "SetVariables", {"setVariableData": [variable("SecurityCtrlr", "CertSigningRepeatTimes")]}),
    ("ocpp2.1", "SetVariables", {"setVariableData": [variable("NetworkConfiguration", "OcppCsmsUrl")]}),
    (V201, "SetVariables", {"setVariableData": "garbage"}),
    (V201, "CertificateSigned", {"certificateChain": "x"}),
    (V201, "SignCertificate", {"csr": "x", "certificateType": "ChargingStationCertificate"}),
    (V201, "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"}),
]
PASS = [
    (V16, "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
    (V16, "ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "60"}),
    (V16, "InstallCertificate", {"certificateType": "ManufacturerRootCertificate", "certificate": "x"}),
    (V16, "Reset", {"type": "Soft"}),
    (V201, "SetVariables", {"setVariableData": [variable("AuthCtrlr", "Enabled")]}),
    (V201, "SignCertificate", {"csr": "x", "certificateType": "V2GCertificate"}),
    (V201, "CertificateSigned", {"certificateChain": "x", "certificateType": "V2GCertificate"}),
    (V201, "TriggerMessage", {"requestedMessage": "Heartbeat"}),
]


@pytest.mark.parametrize(("version", "action", "payload"), CONCERN)
def test_what_changes_the_leg_concerns_it(version: str, action: str, payload: object) -> None:
    assert concerns_leg(CATALOGUE[version][action], call(action, payload), ())


@pytest.mark.parametrize(("version", "action", "payload"), PASS)
def test_everything_else_passes(version: str, action: str, payload: object) -> None:
    assert not concerns_leg(CATALOGUE[version][action], call(action, payload), ())


def test_every_row_that_the_catalogue_marks_is_decided_here() -> None:
    marked = {(version, row.name) for version, rows in CATALOGUE.items() for row in rows.values() if row.terminates}
    shown = {(version.replace("2.0.1", "2.1"), action) for version, action, _ in CONCERN}
    assert {(version.replace("2.0.1", "2.1"), action) for version, action in marked} - shown <= {
        ("ocpp2.1", "InstallCertificate"),
        ("ocpp2.1", "DeleteCertificate"),
    }


def test_a_certificate_that_is_known_to_be_no_csms_root_may_be_deleted() -> None:
    asked = call("GetInstalledCertificateIds", {"certificateType": ["V2GRootCertificate"]})
    chain = {"certificateType": "V2GRootCertificate", "certificateHashData": ROOT_HASH}
    answer = read_frame(json.dumps([3, "x", {"status": "Accepted", "certificateHashDataChain": [chain]}]).encode())
    assert isinstance(answer, Frame)
    known = deletable_serials(asked, answer)
    assert known == {"0a"}
    delete = call("DeleteCertificate", {"certificateHashData": ROOT_HASH})
    assert not concerns_leg(CATALOGUE[V201]["DeleteCertificate"], delete, known)


def test_the_listing_of_csms_roots_makes_nothing_deletable() -> None:
    asked = call("GetInstalledCertificateIds", {"certificateType": "CentralSystemRootCertificate"})
    answer = read_frame(json.dumps([3, "x", {"status": "Accepted", "certificateHashData": [ROOT_HASH]}]).encode())
    assert isinstance(answer, Frame)
    assert deletable_serials(asked, answer) == set()


def test_the_station_stays_on_its_leg_whatever_its_owner_orders() -> None:
    d = Dialogue(charger({"home": PRIMARY}))
    d.begins()
    d.csms_sends("home", '[2,"7","ChangeConfiguration",{"key":"AuthorizationKey","value":"00"}]')
    d.expect()
    d.station_sends('[2,"8","SignCertificate",{"csr":"x"}]')
    d.expect(to_station='[3,"8",{"status":"Rejected"}]')


def test_with_passed_on_credentials_these_messages_pass_both_ways() -> None:
    plain = charger({"home": PRIMARY})
    shared = DesiredLeg(backend("home"), PRIMARY, credentials="passthrough")
    d = Dialogue(
        DesiredCharger(plain.name, plain.identity, None, plain.versions, plain.security, (shared,), plain.owners)
    )
    d.begins()
    d.csms_sends("home", '[2,"7","ChangeConfiguration",{"key":"AuthorizationKey","value":"00"}]')
    d.expect(to_station='[2,"r1","ChangeConfiguration",{"key":"AuthorizationKey","value":"00"}]')
    d.station_sends('[2,"8","SignCertificate",{"csr":"x"}]')
    d.expect(to={"home": '[2,"8","SignCertificate",{"csr":"x"}]'})
