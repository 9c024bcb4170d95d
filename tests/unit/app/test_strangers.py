"""Stations that nobody declared: who knocked, with what, and no more of them than there is room for."""

from datetime import timedelta

import pytest

from reconciler.app.legs import Knock
from reconciler.app.strangers import REMEMBERED_MAX, VERSION_LENGTH_MAX, VERSIONS_MAX, Strangers, stranger_of
from tests.support.clock import EPOCH


def knock(identity: str, *versions: str, authorization: str | None = None, tls: bool = False) -> Knock:
    return Knock(identity, versions, authorization, "10.0.0.1:5000", f"/{identity}", tls)


def test_the_last_knock_counts_and_knocks_are_counted_whatever_the_case() -> None:
    strangers = Strangers()
    strangers.add(stranger_of(knock("CP1", "ocpp1.6"), EPOCH))
    strangers.add(stranger_of(knock("cp1", "ocpp2.0.1"), EPOCH + timedelta(seconds=5)))
    (one,) = strangers.all()
    assert (one.identity, one.versions, one.knocks) == ("cp1", ("ocpp2.0.1",), 2)
    assert one.at == EPOCH + timedelta(seconds=5)


def test_whoever_knocked_longest_ago_is_forgotten_first() -> None:
    strangers = Strangers()
    for number in range(REMEMBERED_MAX):
        strangers.add(stranger_of(knock(f"CP{number}"), EPOCH))
    strangers.add(stranger_of(knock("CP0"), EPOCH))
    strangers.add(stranger_of(knock("NEW"), EPOCH))
    known = [stranger.identity for stranger in strangers.all()]
    assert (len(known), "CP0" in known, "CP1" in known, known[-1]) == (REMEMBERED_MAX, True, False, "NEW")


def test_what_is_remembered_of_one_is_bounded() -> None:
    strangers = Strangers()
    strangers.add(stranger_of(knock("CP1", *(["x" * 1000] * 100)), EPOCH))
    (one,) = strangers.all()
    assert one.versions == ("x" * VERSION_LENGTH_MAX,) * VERSIONS_MAX


@pytest.mark.parametrize(
    ("authorization", "tls", "profile"),
    [(None, False, 0), ("Basic x", False, 1), ("Basic x", True, 2), (None, True, 2)],
)
def test_the_way_it_came_is_a_security_profile(authorization: str | None, tls: bool, profile: int) -> None:
    strangers = Strangers()
    strangers.add(stranger_of(knock("CP1", authorization=authorization, tls=tls), EPOCH))
    assert strangers.all()[0].profile == profile


def test_no_password_is_remembered() -> None:
    strangers = Strangers()
    strangers.add(stranger_of(knock("CP1", authorization="Basic c2VjcmV0"), EPOCH))
    assert "c2VjcmV0" not in repr(strangers.all())
