"""What a back-end reads of its own leg, alone and among the station's values (R13)."""

import json
from typing import Any

import pytest

from reconciler.model.desired import LOCAL, SecretRef, Security
from reconciler.relay import events
from reconciler.relay.leg_values import LegValues, answer, declared, shown_answer, shown_report
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, backend, charger

LEG = LegValues("CP1", 2, "My CPO", (2, 1), checks_new_roots=True)


def item(component: str, variable: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": variable}, **more}


def reported(component: str, variable: str, value: str | None, **more: Any) -> dict[str, Any]:
    attribute = {"mutability": "WriteOnly"} if value is None else {"value": value}
    return item(component, variable, variableAttribute=[{**attribute, **more}])


def test_keys_of_1_6_asked_for_alone() -> None:
    found = json.loads(answer(LEG, "GetConfiguration", {"key": ["authorizationKey", "SECURITYPROFILE", "CpoName"]}))
    assert found["configurationKey"] == [
        {"key": "AuthorizationKey", "readonly": False},
        {"key": "SecurityProfile", "readonly": False, "value": "2"},
        {"key": "CpoName", "readonly": False, "value": "My CPO"},
    ]


def test_variables_of_2_x_asked_for_alone() -> None:
    named = {
        "SecurityProfile": "2",
        "Identity": "CP1",
        "OrganizationName": "My CPO",
        "BasicAuthPassword": None,
        "AdditionalRootCertificateCheck": "true",
        "AllowSecurityProfileDowngrade": "false",
        "CertSigningWaitMinimum": "60",
        "CertSigningRepeatTimes": "3",
    }
    asked = [item("SecurityCtrlr", name) for name in named]
    asked += [item("OCPPCommCtrlr", "NetworkConfigurationPriority"), item("OCPPCommCtrlr", "ActiveNetworkProfile")]
    asked += [item("NetworkConfiguration", "OcppCsmsUrl"), item("SecurityCtrlr", "Identity", attributeType="Target")]
    found = json.loads(answer(LEG, "GetVariables", {"getVariableData": asked}))["getVariableResult"]
    assert [each.get("attributeValue") for each in found] == [*named.values(), "2,1", "2", None, None]
    statuses = [each["attributeStatus"] for each in found]
    assert statuses[3] == "Rejected"
    assert statuses[-2:] == ["UnknownComponent", "NotSupportedAttributeType"]
    assert [{key: each[key] for key in wanted} for each, wanted in zip(found, asked, strict=True)] == asked


def test_what_nobody_has_set_is_the_spec_s() -> None:
    security = Security(3, trusted_ca=SecretRef("file", "ca"), allow_downgrade_from=3)
    found = declared(backend("home", security=security), "CP1")
    assert found == LegValues("CP1", 3, checks_new_roots=True, may_step_down=True)


def test_in_a_whole_configuration_only_the_leg_s_keys_change_and_every_other_byte_stays() -> None:
    station = (
        b'{"unknownKey" : ["X"], "configurationKey":[{"key":"A", "value":"1e2"},'
        b'{"key":"securityprofile","readonly":true,"value":"3"},{"key":"AuthorizationKey","value":"the station\'s"}]}'
    )
    assert shown_answer(LEG, "GetConfiguration", station) == (
        b'{"unknownKey" : ["X"], "configurationKey":[{"key":"A", "value":"1e2"},'
        b'{"key":"SecurityProfile","readonly":false,"value":"2"},{"key":"AuthorizationKey","readonly":false}]}'
    )


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("GetConfiguration", b'{"configurationKey":[{"key":"A", "value":"1"}, 5]}'),
        ("GetConfiguration", b'{"unknownKey":["SecurityProfile"]}'),
        ("GetConfiguration", b'{"configurationKey":"garbage"}'),
        ("GetVariables", b'{"getVariableResult":[{"component":{"name":"AuthCtrlr"},"variable":{"name":"Identity"}}]}'),
        ("GetVariables", b"{}"),
        ("GetLocalListVersion", b'{"configurationKey":[{"key":"SecurityProfile"}]}'),
    ],
)
def test_an_answer_without_values_of_a_leg_is_not_touched(action: str, payload: bytes) -> None:
    assert shown_answer(LEG, action, payload) is None


def test_among_other_variables_the_leg_s_are_its_own() -> None:
    other = item("AuthCtrlr", "Enabled", attributeStatus="Accepted", attributeValue="true")
    own = item("SecurityCtrlr", "SecurityProfile", attributeStatus="Accepted", attributeValue="3")
    url = item("NetworkConfiguration", "OcppCsmsUrl", attributeStatus="Accepted", attributeValue="wss://relay")
    payload = json.dumps({"getVariableResult": [other, own, url]}).encode()
    shown = shown_answer(LEG, "GetVariables", payload)
    assert shown is not None
    first, second, third = json.loads(shown)["getVariableResult"]
    assert json.dumps(other).encode() in shown
    assert (first, second) == (other, {**own, "attributeValue": "2"})
    assert third == item("NetworkConfiguration", "OcppCsmsUrl", attributeStatus="UnknownComponent")


def test_in_a_report_the_leg_s_values_stand_in_place_of_the_station_s() -> None:
    data = [
        reported("AuthCtrlr", "Enabled", "true"),
        reported("SecurityCtrlr", "SecurityProfile", "3", mutability="ReadOnly"),
        reported("SecurityCtrlr", "BasicAuthPassword", "the station's", mutability="WriteOnly"),
        reported("OCPPCommCtrlr", "NetworkConfigurationPriority", "1"),
        reported("NetworkConfiguration", "BasicAuthPassword", "the station's"),
        reported("SecurityCtrlr", "Identity", "x", type="MaxSet"),
        reported("OCPPCommCtrlr", "HeartbeatInterval", "60"),
    ]
    head = {"requestId": 7, "seqNo": 0, "generatedAt": "2026-01-01T00:00:00Z"}
    shown = shown_report(LEG, json.dumps({**head, "reportData": data}).encode())
    assert shown is not None
    assert json.loads(shown) == {
        **head,
        "reportData": [
            data[0],
            reported("SecurityCtrlr", "SecurityProfile", "2", mutability="ReadOnly"),
            reported("SecurityCtrlr", "BasicAuthPassword", None),
            reported("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1"),
            data[6],
        ],
    }


def test_a_report_of_nothing_else_has_no_data_left_as_its_schema_allows() -> None:
    data = [reported("NetworkConfiguration", "OcppCsmsUrl", "wss://relay")]
    shown = shown_report(LEG, json.dumps({"requestId": 7, "seqNo": 0, "reportData": data}).encode())
    assert shown is not None
    assert json.loads(shown) == {"requestId": 7, "seqNo": 0}
    assert shown_report(LEG, b'{"requestId":7}') is None


def test_a_listing_of_all_certificates_names_no_root_by_which_the_station_knows_the_relay() -> None:
    def chain(kind: str) -> str:
        return '{"certificateType":"' + kind + '","certificateHashData":{"serialNumber":"1"}}'

    answered = '{"status":"Accepted","certificateHashDataChain":[%s]}'
    both = answered % f"{chain('CSMSRootCertificate')},{chain('V2GRootCertificate')}"
    shown = shown_answer(LEG, "GetInstalledCertificateIds", both.encode())
    assert shown == (answered % chain("V2GRootCertificate")).encode()
    only = answered % chain("CSMSRootCertificate")
    assert shown_answer(LEG, "GetInstalledCertificateIds", only.encode()) == b'{"status":"NotFound"}'
    assert shown_answer(LEG, "GetInstalledCertificateIds", shown) is None


def test_each_back_end_sees_its_own_leg_in_one_and_the_same_report() -> None:
    d = Dialogue(
        charger({"home": PRIMARY, "partner": PASSIVE}, options={"partner": {"security": Security(1)}}), "ocpp2.0.1"
    )
    d.begins()
    d.happens(events.LegChanged("partner", LegValues("CP001", 2)))
    report = '[2,"9","NotifyReport",{"requestId":7,"reportData":[%s]}]'
    own = '{"component":{"name":"SecurityCtrlr"},"variable":{"name":"SecurityProfile"},"variableAttribute":[%s]}'
    d.station_sends(report % own % '{"value":"3"}')
    d.expect(
        to={name: report % own % '{"value":"%d"}' % profile for name, profile in (("home", 0), ("partner", 2))},
    )


def test_the_owner_s_whole_configuration_has_its_leg_s_keys_and_local_sees_the_station_s() -> None:
    answered = '{"configurationKey":[{"key":"SecurityProfile","readonly":false,"value":"%d"}]}'
    for name, profile in (("home", 0), (LOCAL, 3)):
        d = Dialogue(charger({name: PRIMARY}))
        d.begins()
        d.csms_sends(name, '[2,"7","GetConfiguration",{}]')
        d.expect(to_station='[2,"r1","GetConfiguration",{}]')
        d.station_sends(f'[3,"r1",{answered % 3}]')
        d.expect(to={name: f'[3,"7",{answered % profile}]'})


def test_a_signed_answer_is_not_touched() -> None:
    d = Dialogue(charger({"home": PRIMARY}))
    d.begins()
    d.csms_sends("home", '[2,"7",{"s":1},"GetConfiguration-Signed",{}]')
    d.expect(to_station='[2,"r1",{"s":1},"GetConfiguration-Signed",{}]')
    signed = '[3,"%s",{"s":1},{"configurationKey":[{"key":"SecurityProfile","value":"3"}]}]'
    d.station_sends(signed % "r1")
    d.expect(to={"home": signed % "7"})
