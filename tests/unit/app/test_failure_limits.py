"""Failures are limited by address and by charger; nobody is locked out by the failures of others."""

import pytest

from reconciler.app.failure_limits import OF_ADDRESS, OF_CHARGER, FailureLimits, address_of


def fail(
    limits: FailureLimits, times: int, address: str = "bad", charger: str | None = "cp1", now_s: float = 0
) -> None:
    """Fail so many times."""
    for _ in range(times):
        limits.failed(address, charger, proven=False, now_s=now_s)


def wait_s(limits: FailureLimits, address: str, charger: str | None, *, proven: bool = False, now_s: float = 0) -> int:
    """Return how long an attempt has to wait."""
    return limits.wait_s(address, charger, proven=proven, now_s=now_s)


def test_a_charger_s_failures_are_taken_up_to_the_burst_and_forgiven_with_time() -> None:
    limits = FailureLimits()
    fail(limits, OF_CHARGER.burst - 1)
    assert wait_s(limits, "bad", "cp1") == 0
    fail(limits, 1)
    assert wait_s(limits, "bad", "cp1") == 1
    assert wait_s(limits, "elsewhere", "cp1") == 1
    assert wait_s(limits, "bad", "cp2") == 0
    assert wait_s(limits, "bad", "cp1", now_s=1 / OF_CHARGER.per_s) == 0


def test_an_address_that_tries_many_names_is_limited_as_a_whole() -> None:
    limits = FailureLimits()
    for number in range(OF_ADDRESS.burst):
        fail(limits, 1, charger=f"cp{number}" if number % 2 else None)
    assert wait_s(limits, "bad", "new") == wait_s(limits, "bad", None) == 1
    assert wait_s(limits, "good", "new") == 0


def test_a_station_is_not_locked_out_by_who_fails_in_its_name_or_next_to_it() -> None:
    limits = FailureLimits()
    fail(limits, 1000, address="attacker", charger="cp1")
    fail(limits, 1000, address="site", charger="cp2")
    assert wait_s(limits, "site", "cp1", proven=True) == 0


def test_failures_of_the_proven_station_itself_count_for_itself() -> None:
    limits = FailureLimits()
    for _ in range(OF_CHARGER.burst):
        limits.failed("site", "cp1", proven=True, now_s=0)
    assert wait_s(limits, "site", "cp1", proven=True) == 1
    assert wait_s(limits, "site", "cp2", proven=True) == 0


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("10.0.0.1:5000", "10.0.0.1"),
        ("[2001:db8::1:2]:5000", "2001:db8::/64"),
        ("[2001:db8::ffff]:1", "2001:db8::/64"),
        ("[fe80::1%eth0]:1", "fe80::/64"),
        ("unknown", ""),
    ],
)
def test_an_address_is_a_host_or_a_site_s_network(remote: str, address: str) -> None:
    assert address_of(remote) == address
