"""`make demo` keeps its word: everything it shows really happens, in under a minute."""

import time

import pytest

from tests.support.server_process import fwdctl


@pytest.mark.slow
async def test_the_demo_observes_all_that_it_promises() -> None:
    began = time.monotonic()
    played = await fwdctl("demo")
    assert played.code == 0, played.out + played.err
    assert time.monotonic() - began < 60
    for fact in (
        "ok  before: calls of depot A answered by              partner-pay",
        "ok  after: calls of depot A answered by               grid-co",
        "ok  charger disconnects                               0",
        "ok  plan afterwards                                   No changes. What is applied matches the specs.",
    ):
        assert fact in played.out
    assert "FAIL" not in played.out
