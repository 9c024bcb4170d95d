"""What a back-end has set, over what the spec has."""

import pytest

from reconciler.as_charger.settings import LegSettings, address_of, effective, overtaken
from reconciler.model.desired import Backend, DesiredLeg, Role, SecretRef, Security

SPEC = Security(profile=1, password=SecretRef("env", "P"), password_encoding="hex")
LEG = DesiredLeg(Backend("partner", "ws://csms.example:80/ocpp", ("ocpp1.6",), SPEC), Role("r", frozenset()))
FULL = LegSettings(
    password=b"\x00\xff",
    profile=3,
    url="wss://csms.example/x",
    certificate=b"cert",
    private_key=b"key",
    certificate_expires_s=1.5,
    roots=b"roots",
    organization="CPO",
    asked_key=b"asked",
    networks={"1": {"securityProfile": 2}},
    priority=(1, 0),
    declared={"password": "d"},
    marks={"password": "1f2e3d4c"},
)


def test_nothing_set_is_the_spec() -> None:
    assert effective(LEG, LegSettings(), "cp1") == LEG


def test_secrets_stay_references() -> None:
    backend = effective(LEG, FULL, "cp1").backend
    assert backend.url == "wss://csms.example/x"
    assert backend.security == Security(
        profile=3,
        password=SecretRef("kept", "cp1/partner/password"),
        additional_ca=SecretRef("kept", "cp1/partner/trust"),
        certificate=SecretRef("kept", "cp1/partner/certificate"),
        private_key=SecretRef("kept", "cp1/partner/key"),
    )


def test_no_repr_shows_a_secret() -> None:
    shown = repr(LegSettings(password=b"s3cret", private_key=b"s3cret", asked_key=b"s3cret", networks={"1": "s3cret"}))
    assert "s3cret" not in shown


def test_a_snapshot_comes_back_whole_and_takes_what_a_newer_version_wrote() -> None:
    snapshot = FULL.snapshot()
    assert LegSettings.restored({**snapshot, "from the future": 1}) == FULL
    assert LegSettings().snapshot() == {}


@pytest.mark.parametrize(
    ("profile", "tls_url", "expected"),
    [
        (1, "wss://tls.example/ocpp", "ws://csms.example:80/ocpp"),
        (2, "wss://tls.example/ocpp", "wss://tls.example/ocpp"),
        (2, "", "wss://csms.example:80/ocpp"),
    ],
)
def test_a_profile_with_tls_is_dialled_over_tls(profile: int, tls_url: str, expected: str) -> None:
    backend = Backend("partner", "ws://csms.example:80/ocpp", (), tls_url=tls_url)
    assert address_of(backend, LegSettings(profile=profile)) == expected


def test_the_spec_s_newer_word_overtakes_its_own_part_only() -> None:
    settings = LegSettings(password=b"x", profile=2, declared={"password": "a", "profile": "b"})
    assert settings.parts == ("password", "profile")
    assert overtaken(settings, {"password": "a", "profile": "b", "address": "anything"}) == ()
    assert overtaken(settings, {"password": "other", "profile": "b"}) == ("password",)
    assert overtaken(settings, {"profile": "b"}) == ()  # it can't be read now
    assert settings.without("password").parts == ("profile",)
