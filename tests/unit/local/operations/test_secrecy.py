"""Which settings are nobody's business."""

import pytest

from reconciler.local.operations.secrecy import HIDDEN, is_secret, shown


@pytest.mark.parametrize("name", ["AuthorizationKey", "SecurityCtrlr.BasicAuthPassword", "WiFiPassword", "apiToken"])
def test_secrets_are_hidden(name: str) -> None:
    assert is_secret(name)
    assert shown(name, "x") == HIDDEN
    assert shown(name, None) is None


@pytest.mark.parametrize("name", ["HeartbeatInterval", "AuthorizeRemoteTxRequests", "MeterValueSampleInterval"])
def test_the_rest_is_shown(name: str) -> None:
    assert shown(name, "x") == "x"
