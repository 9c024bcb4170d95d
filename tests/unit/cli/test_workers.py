"""Several workers: how a process is told its place, and when it is started again."""

import os
import socket
from pathlib import Path

import pytest

from reconciler.cli.settings import ServeSettings
from reconciler.cli.workers.backoff import LAST_S, STEADY_S, Backoff
from reconciler.cli.workers.place import FRONT, Place
from reconciler.cli.workers.supervisor import check_workers
from reconciler.errors import FwdctlError

POSTGRES = "postgresql://fwdctl:secret@db/fwdctl"


def test_a_process_is_told_settings_doors_and_whom_to_look_at() -> None:
    settings = ServeSettings(
        store=POSTGRES, data=Path("state"), tls_cert=(Path("a"), Path("b")), oidc_grant=("x",), workers=2
    )
    with socket.create_server(("127.0.0.1", 0)) as door:
        orders = Place(FRONT, "node-front", {"admin": door}, ("1", "2")).orders(settings)
        place, told = Place.told(orders, lambda descriptor: socket.socket(fileno=os.dup(descriptor)))
        assert told == settings
        assert (place.name, place.node, place.workers, place.is_front) == (FRONT, "node-front", ("1", "2"), True)
        with place.doors["admin"] as same:
            assert same.getsockname() == door.getsockname()


def test_a_process_that_ends_is_back_at_once_and_one_that_keeps_ending_later_and_later() -> None:
    backoff = Backoff()
    assert [backoff.delay_s(1.0) for _ in range(8)] == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, LAST_S, LAST_S]
    assert backoff.delay_s(STEADY_S) == 0.0


@pytest.mark.parametrize(("workers", "store"), [(0, None), (65, POSTGRES), (2, None), (2, "sqlite:///x.db")])
def test_more_than_a_store_can_carry_are_refused(workers: int, store: str | None) -> None:
    with pytest.raises(FwdctlError, match=f"{workers} workers"):
        check_workers(ServeSettings(workers=workers, store=store))


def test_one_needs_nothing_and_several_need_postgresql() -> None:
    check_workers(ServeSettings())
    check_workers(ServeSettings(workers=4, store=POSTGRES))
