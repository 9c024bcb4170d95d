"""Which door a station of each security profile may take, whose certificate it needs, and no way back down."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from reconciler.app.legs import Knock
from reconciler.app.station_channel import check_channel, check_downgrade, serial_number_of
from reconciler.model.desired import DesiredCharger, SecretRef, Security
from tests.support.relay import PRIMARY, KnownSecrets, backend, charger

CA = SecretRef("file", "CA")
SECRETS = KnownSecrets({"CA": b"its CA", "OTHER": b"another CA", "BROKEN": b"broken"})
CP1 = replace(charger("cp1", [(backend("a", "ws://a"), PRIMARY)]), serial_number="SN-1")


@dataclass(frozen=True)
class Shown:
    """A certificate as the admission sees it."""

    common_name: str = "SN-1"
    organizations: tuple[str, ...] = ("Charge Co",)

    def issued_by(self, authorities: bytes) -> bool:
        """Tell; raises ValueError as the real one does."""
        if authorities == b"broken":
            raise ValueError("no PEM")
        return authorities == b"its CA"


PLAIN = Knock("CP1", ("ocpp1.6",), None, "10.0.0.1:5000", "/CP1")
OVER_TLS = replace(PLAIN, tls=True, tls_version="TLSv1.2")
MUTUAL = replace(OVER_TLS, certificate=Shown())


def of_profile(profile: int, **more: object) -> DesiredCharger:
    """Return the charger with a security profile."""
    return replace(CP1, security=Security(profile, trusted_ca=CA, **more))  # type: ignore[arg-type]


def status(desired: DesiredCharger, knock: Knock, organization: str = "") -> int | None:
    """Return the status of the refusal, None where there is none."""
    refused = check_channel(knock, desired, SECRETS, organization)
    return None if refused is None else refused.status


@pytest.mark.parametrize(
    ("profile", "knock", "expected"),
    [
        (0, PLAIN, None),
        (0, OVER_TLS, 403),
        (1, PLAIN, None),
        (1, OVER_TLS, 403),
        (1, MUTUAL, 403),
        (2, PLAIN, 403),
        (2, OVER_TLS, None),
        (2, MUTUAL, None),
        (3, PLAIN, 403),
        (3, OVER_TLS, 403),
        (3, MUTUAL, None),
    ],
)
def test_every_profile_has_its_door(profile: int, knock: Knock, expected: int | None) -> None:
    assert status(of_profile(profile), knock) == expected


def test_the_least_tls_version_is_kept() -> None:
    assert status(of_profile(2, min_tls_version="1.3"), OVER_TLS) == 403
    assert status(of_profile(2, min_tls_version="1.3"), replace(OVER_TLS, tls_version="TLSv1.3")) is None
    assert status(of_profile(2), replace(OVER_TLS, tls_version="TLSv1.1")) == 403


@pytest.mark.parametrize("name", ["SN-2", "", "sn-1", "SN-1 ", "CP1"])
def test_a_certificate_of_another_station_is_refused(name: str) -> None:
    assert status(of_profile(3), replace(MUTUAL, certificate=Shown(name))) == 403


def test_without_a_declared_serial_number_the_identity_is_the_name() -> None:
    desired = replace(of_profile(3), serial_number=None)
    assert serial_number_of(desired) == "CP1"
    assert status(desired, replace(MUTUAL, certificate=Shown("CP1"))) is None
    assert status(desired, MUTUAL) == 403


def test_the_organisation_is_checked_where_one_is_asked_for() -> None:
    assert status(of_profile(3), MUTUAL, "Charge Co") is None
    assert status(of_profile(3), MUTUAL, "Charge") == 403
    assert status(of_profile(3), replace(MUTUAL, certificate=Shown(organizations=())), "Charge Co") == 403


@pytest.mark.parametrize(("ca", "expected"), [("OTHER", 403), ("GONE", 503), ("BROKEN", 503)])
def test_the_issuer_must_be_the_profile_s_own(ca: str, expected: int) -> None:
    desired = replace(CP1, security=Security(3, trusted_ca=SecretRef("file", ca)))
    assert status(desired, MUTUAL) == expected
    assert status(replace(CP1, security=Security(3)), MUTUAL) == 403


@pytest.mark.parametrize(
    ("profile", "allowed_from", "highest", "version", "refused"),
    [
        (2, None, 0, "ocpp1.6", False),
        (2, None, 2, "ocpp1.6", False),
        (2, None, 3, "ocpp2.0.1", True),
        (2, 3, 3, "ocpp2.0.1", False),
        (2, 3, 3, "ocpp2.1", False),
        (2, 3, 3, "ocpp1.6", True),
        (2, 3, 3, None, True),
        (1, 3, 3, "ocpp2.0.1", True),
        (1, 2, 2, "ocpp2.0.1", True),
        (1, 2, 3, "ocpp2.0.1", True),
        (0, None, 1, "ocpp1.6", True),
    ],
)
def test_nobody_comes_in_with_less_than_before_but_from_3_to_2_where_it_is_allowed(
    profile: int, allowed_from: int | None, highest: int, version: str | None, refused: bool
) -> None:
    desired = of_profile(profile, allow_downgrade_from=allowed_from)
    assert (check_downgrade(desired, highest, version) is not None) == refused
