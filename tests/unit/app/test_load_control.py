"""Load control over a node without sockets: limits set, stored first, withdrawn, and told."""

from collections.abc import Mapping
from typing import Any

from reconciler.app.duty import SoleDuty
from reconciler.app.load_control import LoadControl
from reconciler.app.load_stations import OwnLoads
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError
from reconciler.local.load.allotments import FOLLOW_S
from reconciler.model.local_rules import LoadMember, LoadPolicy
from tests.support.local_depot import OURS, THEIRS, LocalDepot, Specs

CAP = LoadPolicy("cap", (LoadMember("cp1", 22_000.0), LoadMember("cp2", 22_000.0)), 30_000.0)


class Limits:
    """A LimitStore; `away`: it can't be written."""

    def __init__(self) -> None:
        self.kept: dict[str, float] = {}
        self.away = False

    async def load_limits(self) -> Mapping[str, float]:
        return dict(self.kept)

    async def put_load_limits(self, limits: Mapping[str, float | None]) -> None:
        if self.away:
            raise FwdctlError("the store is away")
        for name, watts in limits.items():
            self.kept.pop(name, None)
            if watts is not None:
                self.kept[name] = watts


class Standby(SoleDuty):
    """A duty of another node."""

    held = False  # type: ignore[misc]


class Site(LocalDepot):
    """Two chargers under one policy."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits()
        self.specs = Specs((CAP,), ())
        self.trouble: list[BaseException] = []
        self.load = self.control()

    def control(self, duty: Any = None) -> LoadControl:
        """Start load control, as a new process would."""
        return LoadControl(
            self.limits,
            OwnLoads(self.node),
            self.node.local_line,
            self.clock,
            self.specs,  # type: ignore[arg-type]  # all that is asked of it
            self.recorder,
            self.tally,
            Background(lambda what, error: self.trouble.append(error)),
            duty=duty or SoleDuty(),
            report=lambda what, error: self.trouble.append(error),
        )

    async def look(self, after_s: float = 0.0) -> None:
        """Let time pass, and look."""
        self.clock.advance(after_s)
        await self.load.look()
        await self.settle()
        assert not self.trouble or self.limits.away, self.trouble

    def kw(self) -> dict[str, list[float]]:
        """Return what the stations keep to."""
        return {name: [watts / 1000 for watts in leg.profiles.values()] for name, leg in self.stations.items()}


async def site(*roles: Any) -> Site:
    """Return a site whose chargers are connected."""
    found = Site()
    for number, role in enumerate(roles or (OURS, OURS), 1):
        await found.declare(f"cp{number}", role)
        await found.connect(f"cp{number}")
    return found


START = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-12-01T02:00:00Z"}


async def test_limits_are_set_raised_and_lowered_as_cars_come() -> None:
    depot = await site()
    await depot.look()
    assert depot.kw() == {"cp1": [15], "cp2": [15]}
    assert depot.stations["cp1"].asked == ["ClearChargingProfile", "SetChargingProfile"]
    assert depot.limits.kept == {}  # nothing stood before it was accepted
    await depot.look(FOLLOW_S + 1)
    assert depot.limits.kept == {"cp1": 15_000, "cp2": 15_000}
    depot.stations["cp1"].say("StartTransaction", START)
    await depot.settle()
    await depot.look(1)
    assert depot.kw() == {"cp1": [15], "cp2": [8]}
    await depot.look(FOLLOW_S)
    assert depot.kw() == {"cp1": [22], "cp2": [8]}
    assert depot.limits.kept["cp1"] == 22_000


async def test_a_raise_is_not_sent_while_it_can_not_be_stored() -> None:
    depot = await site()
    await depot.look()
    await depot.look(FOLLOW_S + 1)
    depot.stations["cp1"].say("StartTransaction", START)
    await depot.look(1)
    depot.limits.away = True
    await depot.look(FOLLOW_S)
    assert depot.kw() == {"cp1": [15], "cp2": [8]}
    depot.limits.away = False
    depot.trouble.clear()
    await depot.look(30)
    assert depot.kw() == {"cp1": [22], "cp2": [8]}


async def test_meter_values_are_heard_of_chargers_in_a_policy_only() -> None:
    depot = await site()
    await depot.look()
    value = {
        "timestamp": "2026-12-01T02:00:00Z",
        "sampledValue": [{"value": "7000", "measurand": "Power.Active.Import"}],
    }
    for name in ("cp1", "other"):
        depot.load.heard(name, "MeterValues", {"connectorId": 1, "meterValue": [value]})
    (cp1, cp2) = depot.load.pictures()[0].chargers
    assert (cp1.measured_w, cp2.measured_w) == (0.0, 0.0)  # seen at the next look
    await depot.look()
    found = depot.load.of_charger("cp1")
    assert found is not None
    assert (found[0], found[1].measured_w) == ("cap", 7_000.0)
    assert depot.load.of_charger("other") is None


async def test_after_a_restart_the_stored_limits_count_and_nothing_is_lowered_for_want_of_knowledge() -> None:
    depot = await site()
    await depot.look()
    await depot.look(FOLLOW_S + 1)
    depot.load = depot.control()
    await depot.look()
    assert depot.load.pictures()[0].counted_w == 30_000.0
    assert depot.kw() == {"cp1": [15], "cp2": [15]}


async def test_a_charger_that_is_another_s_when_it_comes_back_loses_its_limit() -> None:
    depot = await site()
    await depot.look()
    profiles = depot.stations["cp2"].profiles
    await depot.leave("cp2")
    await depot.declare("cp2", THEIRS)
    (await depot.connect("cp2")).profiles.update(profiles)
    await depot.look(FOLLOW_S + 1)
    await depot.look(1)
    assert depot.kw()["cp2"] == []
    await depot.look(1)
    assert depot.load.pictures()[0].chargers[1].limit_w is None


async def test_without_its_policy_a_charger_loses_its_limit_and_it_is_forgotten() -> None:
    depot = await site()
    await depot.look()
    await depot.look(FOLLOW_S + 1)
    depot.specs.policies = ()
    await depot.look(1)
    assert depot.kw() == {"cp1": [], "cp2": []}
    await depot.look(1)
    assert depot.limits.kept == {}
    assert depot.load.pictures() == ()


async def test_a_station_that_refuses_is_told_of_and_counted_with_all() -> None:
    depot = await site()
    depot.stations["cp1"].status = "Rejected"
    await depot.look()
    await depot.look(FOLLOW_S + 1)
    await depot.look(1)
    await depot.look(FOLLOW_S + 1)
    (cp1, cp2) = depot.load.pictures()[0].chargers
    assert (cp1.problem, cp1.counted_w) == ("the charger answered Rejected", 22_000.0)
    assert cp2.counted_w <= 8_000.0
    assert depot.tally.counts["load_limits_set", "rejected"] >= 1


async def test_another_node_s_duty_is_left_alone() -> None:
    depot = await site()
    depot.load = depot.control(Standby())
    await depot.look()
    assert depot.kw() == {"cp1": [], "cp2": []}
    assert depot.load.pictures() == ()


async def test_history_and_samples_are_thinned() -> None:
    depot = await site()
    for _ in range(40):
        await depot.look(5)
    kinds = [event.kind for event in depot.recorder.events]
    assert kinds.count("load-limit") == 1
    samples = depot.load.samples("cap")
    assert len(samples) == 14
    assert (samples[-1].limit_w, samples[-1].counted_w) == (30_000.0, 30_000.0)
    assert depot.load.samples("none") == ()


async def test_a_limit_that_can_not_be_kept_is_told_once_and_that_it_is_kept_again() -> None:
    depot = await site(THEIRS, THEIRS)
    for name in ("cp1", "cp2"):
        depot.stations[name].say("StartTransaction", START)
        depot.node.slot(name).memory._open(_open())  # type: ignore[union-attr]
    for _ in range(3):
        await depot.look(5)
    assert [event.kind for event in depot.recorder.events if event.kind.startswith("load-")] == ["load-exceeded"]
    for name in ("cp1", "cp2"):
        depot.node.slot(name).memory.transactions.clear()  # type: ignore[union-attr]
    await depot.look(5)
    assert [event.kind for event in depot.recorder.events if event.kind.startswith("load-")][-1] == "load-kept"


def _open() -> Any:
    from reconciler.relay.memory import OpenTransaction

    return OpenTransaction("1", "partner", 0.0, "1")
