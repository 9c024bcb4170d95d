"""Limits of a session."""

from msgspec.structs import astuple

from reconciler.relay.limits import SessionLimits


def test_every_limit_is_a_positive_number() -> None:
    assert all(value > 0 for value in astuple(SessionLimits()))


def test_the_relay_gives_up_before_the_station_does() -> None:
    limits = SessionLimits()
    assert limits.answer_margin_s < 30
    assert limits.command_wait_s < 30
