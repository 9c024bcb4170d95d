"""Chargers as people name them."""

import pytest

from reconciler.app.chargers_meant import chargers_meant
from reconciler.errors import UnknownAddress
from tests.support.specs import a_site, resolved

SITE = resolved(a_site(3))


def test_names_addresses_and_globs_mean_chargers_each_once() -> None:
    assert chargers_meant(SITE, ["charger.cp001", "cp00[12]"]) == ["cp001", "cp002"]


def test_what_means_no_charger_is_refused_with_what_is_near() -> None:
    with pytest.raises(UnknownAddress, match="there is no charger cp01") as refused:
        chargers_meant(SITE, ["cp000", "cp01"])
    assert refused.value.hint.startswith("did you mean cp0")
