"""What passed of a charger: over its sessions, by lane, and never less because one has ended."""

from reconciler.app.passed import DOWN, UP, PassedOfCharger
from tests.support.relay import PASSIVE, PRIMARY, backend, charger
from tests.unit.app.test_station_session import Owner, registered, session

CP1 = charger("cp1", [(backend("a", "ws://a"), PRIMARY), (backend("b", "ws://b"), PASSIVE)])


async def test_what_sessions_counted_adds_up_and_stays_when_they_end() -> None:
    passed = PassedOfCharger()
    assert passed.now(None) == {}
    for number in (1, 2):
        live, station = session(Owner(), CP1)
        await registered(live._owner, station, 2)  # type: ignore[arg-type]
        one = passed.now(live)
        assert one[UP] == one[DOWN] == number  # a BootNotification and its answer
        assert one["a"] == one["b"] == 2 * number  # each way
        passed.ended(live)
        assert passed.now(None) == one
