"""Secret references: never a literal, never outside what the server offers, never repeated in a message."""

import pytest

from reconciler.model.desired import SecretRef
from reconciler.model.kinds.secret_reference import SecretReference
from tests.support.sites import said, spec_findings


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("password", "a password"),
        ("privateKey", "a private key"),
        ("certificate", "a certificate"),
        ("trustedCa", "a CA certificate"),
    ],
)
@pytest.mark.parametrize("literal", ["hunter2hunter2", 12345678, ["hunter2"], True])
def test_a_literal_is_refused_and_not_repeated(field: str, what: str, literal: object) -> None:
    findings = said(spec_findings("SecurityProfile", {"profile": 2, "certificate": {"fromFile": "c"}, field: literal}))
    assert findings == [
        (
            f"spec.{field}: {what} is never written in a spec",
            "use {fromEnv: FWDCTL_SECRET_...} or {fromFile: ...}; the server resolves it",
        )
    ]


def test_a_literal_webhook_secret_is_refused() -> None:
    to = [{"webhook": {"url": "https://example.com", "secret": "hunter2"}}]
    findings = spec_findings("NotificationRule", {"chargers": {"names": ["*"]}, "on": ["flip"], "to": to})
    assert said(findings)[0][0] == "spec.to.0.webhook.secret: a secret is never written in a spec"


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "FWDCTL_SECRET_", "FWDCTL_SECRET_a-b", "fwdctl_secret_x", "hunter2", ""]
)
def test_only_variables_meant_for_it_can_be_named(name: str) -> None:
    [(summary, hint)] = said(spec_findings("SecurityProfile", {"profile": 1, "password": {"fromEnv": name}}))
    assert summary == "spec.password: fromEnv must name a variable that begins with FWDCTL_SECRET_"
    assert "FWDCTL_SECRET_PARTNER" in hint
    assert "hunter2" not in summary + hint


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "..", "C:/x", "\\x", "a\\..\\b", "", "a\x00b", "x\n"]
)
def test_a_file_stays_inside_the_secrets_directory(path: str) -> None:
    [(summary, hint)] = said(spec_findings("SecurityProfile", {"profile": 1, "password": {"fromFile": path}}))
    assert summary == "spec.password: fromFile must stay inside the server's secrets directory"
    assert "without .." in hint


@pytest.mark.parametrize("path", ["ca.pem", "stations/{identity}", "a..b", "a/b/c.key"])
def test_a_relative_path_is_a_reference(path: str) -> None:
    assert SecretReference.model_validate({"fromFile": path}).ref == SecretRef("file", path)


def test_a_variable_is_a_reference() -> None:
    assert SecretReference.model_validate({"fromEnv": "FWDCTL_SECRET_X"}).ref == SecretRef("env", "FWDCTL_SECRET_X")
