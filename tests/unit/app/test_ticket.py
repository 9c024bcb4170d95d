"""A ticket that is dropped closes its legs, once."""

from types import SimpleNamespace
from typing import Any

from reconciler.app.ticket import Ticket


def test_dropping_closes_what_nobody_adopted() -> None:
    stopped: list[str] = []
    connection: Any = SimpleNamespace(stop=stopped.append)
    slot: Any = None
    ticket = Ticket(slot, None, {"partner": connection})
    ticket.drop()
    ticket.drop()
    assert stopped == ["the charging station did not complete its handshake"]
