"""What tests of the relay share besides support.py."""

import pytest

from tests.integration.websocket.certificates import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return a certificate authority that lives as long as the tests."""
    return Authority("fwdctl test CA")
