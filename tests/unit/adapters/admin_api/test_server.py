"""Where the admin API may listen."""

import socket

import pytest

from reconciler.adapters.admin_api.server import bind_admin, is_loopback
from reconciler.errors import FwdctlError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_is_this_machine_only(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example", ""])
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_without_a_token_only_loopback_may_be_bound() -> None:
    with pytest.raises(FwdctlError, match="open to everybody on 0\\.0\\.0\\.0") as caught:
        bind_admin("0.0.0.0", 0, token=None)
    assert "FWDCTL_ADMIN_TOKEN" in caught.value.hint


def test_with_a_token_any_address_may_be_bound() -> None:
    with bind_admin("0.0.0.0", 0, token="t0ken") as listening:
        assert listening.getsockname()[1] > 0


def test_a_taken_port_is_said_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FwdctlError, match=f"127\\.0\\.0\\.1:{port}"):
            bind_admin("127.0.0.1", port, token=None)
