"""Dialling legs: as the spec has them, as their back-ends have set them, and as the spec has them again."""

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from reconciler.app.legs import DialFailed
from reconciler.model.desired import SecretRef, Security
from tests.integration.websocket.certificates import Authority
from tests.support.clock import FakeClock
from tests.unit.app.legs_kept import PARTNER, Kept

SET = '{"key":"AuthorizationKey","value":"sixteen letters!"}'
KEPT = SecretRef("kept", "cp1/partner/password")
DECLARED = SecretRef("env", "P")


def dialled(kept: Kept) -> list[SecretRef | None]:
    return [request.leg.backend.security.password for request in kept.dialer.requests]


async def test_a_leg_that_nobody_changed_is_dialled_as_declared() -> None:
    kept = Kept()
    await kept.dial()
    assert dialled(kept) == [DECLARED]


async def test_a_changed_one_is_dialled_as_changed_and_after_a_refusal_again() -> None:
    kept = Kept()
    await kept.order(SET)
    kept.dialer.failures.append(DialFailed("HTTP 401", 401))
    with pytest.raises(DialFailed) as failed:
        await kept.dial()
    assert failed.value.status is None  # it is no charger that the back-end does not know
    await kept.dial()
    assert dialled(kept) == [KEPT, KEPT]


async def test_a_connection_that_ended_before_it_was_registered_counts_as_a_failure() -> None:
    kept = Kept()
    await kept.order(SET)
    for _ in range(4):
        await kept.dial()
    assert dialled(kept) == [KEPT] * 3 + [DECLARED]


async def test_a_leg_that_shares_the_station_s_credential_is_dialled_with_that() -> None:
    kept = Kept()
    await kept.order(SET)
    await kept.dial(credentials="passthrough")
    assert dialled(kept) == [DECLARED]


async def test_the_spec_s_newer_word_counts_even_during_the_trial() -> None:
    kept = Kept()
    await kept.order(SET)
    kept.secrets["P"] = b"a newer one"
    await kept.dial()
    assert dialled(kept) == [DECLARED]
    assert kept.events[-1].kind == "leg-change-overtaken"
    assert kept.desk.credential("cp1", "partner") == ""


async def test_a_failure_that_has_nothing_to_do_with_a_trial_stays_as_it_is() -> None:
    kept = Kept()
    await kept.order(SET)
    await kept.dial()
    kept.desk.registered("cp1", "partner")
    await kept.done()
    kept.dialer.failures.append(DialFailed("HTTP 404", 404))
    with pytest.raises(DialFailed) as failed:
        await kept.dial()
    assert failed.value.status == 404


CA = Authority("partner's CA")
ROOT = json.dumps({"certificateType": "CSMSRootCertificate", "certificate": CA.root("new")})
TLS = Security(profile=2, password=DECLARED, trusted_ca=SecretRef("env", "CA"))


class Secured(Kept):
    """A leg of profile 2 whose back-end has installed a new root."""

    async def begun(self) -> "Secured":
        self.secrets["CA"] = CA.pem
        self.desk = self.with_clock(FakeClock(datetime.now(UTC)))  # as the certificates have it
        self.partner = replace(PARTNER, url="wss://csms/ocpp", security=TLS)
        assert await self.order(ROOT, "InstallCertificate") == b'{"status":"Accepted"}'
        return self

    def trusted(self) -> list[tuple[str, str]]:
        """Return what each dial trusted: in place of the spec's CA, and besides."""
        found = [request.leg.backend.security for request in self.dialer.requests]
        return [(str(each.trusted_ca), str(each.additional_ca)) for each in found]


NEW_ALONE, BOTH = ("kept:cp1/partner/new root", "None"), ("env:CA", "kept:cp1/partner/trust")
ONLY = ("kept:cp1/partner/trust", "None")


async def test_a_new_root_is_tried_alone_and_counts_alone_once_it_works() -> None:
    kept = await Secured().begun()
    kept.dialer.failures.append(DialFailed("signed by a CA that is not trusted", untrusted=True))
    await kept.dial()
    assert kept.trusted() == [NEW_ALONE, BOTH]
    await kept.dial()
    await kept.dial()
    assert kept.trusted()[2:] == [NEW_ALONE, ONLY]
    assert kept.events[-1].kind == "leg-roots-retired"


async def test_a_back_end_that_is_away_is_dialled_once() -> None:
    kept = await Secured().begun()
    kept.dialer.failures.append(DialFailed("connection refused"))
    with pytest.raises(DialFailed):
        await kept.dial()
    assert kept.trusted() == [NEW_ALONE]
