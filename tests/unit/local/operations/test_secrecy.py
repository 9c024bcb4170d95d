"""Which settings are nobody's business."""

import pytest

from reconciler.local.operations.secrecy import HIDDEN, is_own_leg, is_secret, shown


@pytest.mark.parametrize("name", ["AuthorizationKey", "SecurityCtrlr.BasicAuthPassword", "WiFiPassword", "apiToken"])
def test_secrets_are_hidden(name: str) -> None:
    assert is_secret(name)
    assert shown(name, "x") == HIDDEN
    assert shown(name, None) is None


@pytest.mark.parametrize("name", ["HeartbeatInterval", "AuthorizeRemoteTxRequests", "MeterValueSampleInterval"])
def test_the_rest_is_shown(name: str) -> None:
    assert shown(name, "x") == "x"


@pytest.mark.parametrize("name", ["AuthorizationKey", "securityprofile", "SecurityCtrlr.BasicAuthPassword"])
def test_what_locks_a_station_out_is_known(name: str) -> None:
    assert is_own_leg(name)
    assert not is_own_leg("HeartbeatInterval")
