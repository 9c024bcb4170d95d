"""Certificates on a leg: asked for, verified, installed, listed and deleted."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.as_charger.asked import Asked
from reconciler.as_charger.certificates import (
    ROOTS_MAX,
    certificate_signed,
    delete_certificate,
    install_certificate,
    installed_certificates,
    sign_triggered,
)
from reconciler.as_charger.settings import LegSettings, proven
from tests.integration.websocket.certificates import Authority, new_request
from tests.unit.as_charger.legs import asked

CA = Authority("partner's CA")
KEY, REQUEST = new_request("SN-1", "My CPO")
CHAIN = CA.sign(REQUEST.decode())


def signed(chain: object, **more: Any) -> Asked:
    return asked("CertificateSigned", {"certificateChain": chain}, **more)


def test_a_trigger_asks_for_one() -> None:
    assert sign_triggered(asked("TriggerMessage", {})).sign


@pytest.mark.parametrize(("profile", "reconnect"), [(1, False), (3, True)])
def test_what_was_asked_for_is_taken_and_used_where_it_is_in_use(profile: int, reconnect: bool) -> None:
    decision = certificate_signed(signed(CHAIN + CA.pem.decode(), settings=LegSettings(asked_key=KEY, profile=profile)))
    assert decision.answer == {"status": "Accepted"}
    (settings,) = decision.candidates
    assert (settings.private_key, settings.asked_key, decision.reconnect) == (KEY, None, reconnect)


@pytest.mark.parametrize(
    "chain",
    [
        CA.issue("SN-1")[0].decode(),
        CA.sign(new_request("SN-2", "")[1].decode()),
        CA.sign(REQUEST.decode(), expires_in=timedelta(days=-1)),
        CHAIN + Authority("another").pem.decode(),
        "no certificate",
        "x" * 10_001,
        5,
    ],
    ids=[
        "another key",
        "another key and name",
        "expired",
        "a chain that does not hold",
        "garbage",
        "too long",
        "number",
    ],
)
def test_everything_else_is_rejected(chain: object) -> None:
    decision = certificate_signed(signed(chain, settings=LegSettings(asked_key=KEY)))
    assert (decision.answer, decision.candidates) == ({"status": "Rejected"}, ())


def test_another_name_for_the_same_key_is_rejected() -> None:
    ask = signed(CHAIN, settings=LegSettings(asked_key=KEY))
    assert certificate_signed(ask).candidates != ()
    assert certificate_signed(replace(ask, serial="SN-2")).candidates == ()


def test_what_was_not_asked_for_is_rejected() -> None:
    assert certificate_signed(signed(CHAIN)).answer == {"status": "Rejected"}


def install(root: object, **more: Any) -> LegSettings | None:
    decision = install_certificate(asked("InstallCertificate", {"certificate": root}, **more))
    assert not decision.reconnect
    return decision.candidates[0] if decision.candidates else None


def test_where_the_system_s_cas_are_trusted_any_root_may_be_added() -> None:
    one = install(CA.pem.decode())
    assert one is not None
    other = Authority("another").pem
    both = install(other.decode(), settings=one)
    assert both is not None
    assert both.roots == CA.pem + other
    assert both.new_root is None
    again = install_certificate(asked("InstallCertificate", {"certificate": other.decode()}, settings=both))
    assert (again.answer, again.candidates) == ({"status": "Accepted"}, ())


def test_where_the_spec_names_a_ca_it_has_to_have_signed_the_next_one() -> None:
    assert install(Authority("another").pem.decode(), trusted=CA.pem) is None
    assert install(CA.root("the next"), trusted=CA.pem) is not None


@pytest.mark.parametrize(
    "root",
    ["garbage", 5, "x" * 5_501, CA.issue("host")[0].decode(), CA.pem.decode() * 2],
    ids=["garbage", "number", "too long", "no CA", "two"],
)
def test_what_is_no_root_is_rejected(root: object) -> None:
    assert install(root) is None


def test_roots_are_bounded() -> None:
    full = LegSettings(roots=b"".join(Authority(str(number)).pem for number in range(ROOTS_MAX)))
    assert install(CA.pem.decode(), settings=full) is None


def test_a_root_is_listed_and_deleted_by_its_hashes_and_the_spec_s_stays() -> None:
    settings = LegSettings(roots=CA.pem)
    ask = asked("GetInstalledCertificateIds", {}, settings=settings, trusted=Authority("declared").pem)
    declared, installed = installed_certificates(ask).answer["certificateHashData"]
    assert installed == CertificateOffice().hash_data(CA.pem, "SHA256")

    decision = delete_certificate(asked("DeleteCertificate", {"certificateHashData": installed}, settings=settings))
    assert decision is not None
    assert decision.answer == {"status": "Accepted"}
    for wanted in (declared, {**installed, "hashAlgorithm": "MD5"}, {**installed, "serialNumber": "1"}, "x"):
        assert (
            delete_certificate(asked("DeleteCertificate", {"certificateHashData": wanted}, settings=settings)) is None
        )


def test_where_nothing_is_installed_nothing_is_found() -> None:
    assert installed_certificates(asked("GetInstalledCertificateIds", {})).answer == {"status": "NotFound"}
    two = installed_certificates(asked("GetInstalledCertificateIds", {}, version="ocpp2.1", trusted=CA.pem)).answer
    assert two["certificateHashDataChain"][0]["certificateType"] == "CSMSRootCertificate"


def test_a_new_root_replaces_the_others_once_it_is_proven_and_is_then_what_signs_the_next() -> None:
    new = Authority("new", signed_by=CA)
    settings = install(new.pem.decode(), trusted=CA.pem)
    assert settings is not None
    assert settings.new_root == new.pem
    alone = LegSettings.restored(proven(settings).snapshot())
    assert (alone.roots, alone.new_root, alone.only_roots) == (new.pem, None, True)

    listed = installed_certificates(asked("GetInstalledCertificateIds", {}, settings=alone, trusted=CA.pem)).answer
    (only,) = listed["certificateHashData"]
    wanted = {"certificateHashData": CertificateOffice().hash_data(new.pem, "SHA256")}
    assert only == wanted["certificateHashData"]
    deleted = delete_certificate(asked("DeleteCertificate", wanted, settings=alone, trusted=CA.pem))
    assert deleted is not None
    assert (deleted.answer, deleted.candidates) == ({"status": "Failed"}, ())  # it is in use

    assert install(Authority("by the old", signed_by=CA).pem.decode(), settings=alone, trusted=CA.pem) is None
    newest = install(Authority("newest", signed_by=new).pem.decode(), settings=alone, trusted=CA.pem)
    assert newest is not None
    assert newest.only_roots


def test_a_new_root_that_is_deleted_before_it_is_proven_replaces_nothing() -> None:
    settings = install(CA.root("new"), trusted=CA.pem)
    assert settings is not None
    assert settings.roots is not None
    wanted = {"certificateHashData": CertificateOffice().hash_data(settings.roots, "SHA256")}
    decision = delete_certificate(asked("DeleteCertificate", wanted, settings=settings, trusted=CA.pem))
    assert decision is not None
    assert [(each.roots, each.new_root) for each in decision.candidates] == [(None, None)]
