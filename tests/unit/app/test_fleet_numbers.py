"""Live state in numbers."""

from reconciler.app.fleet_numbers import fleet_numbers
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg, LiveTransaction
from reconciler.planning.drift import State

CHARGERS = (
    LiveCharger(
        "cp001",
        connected=True,
        since_s=1.0,
        legs=(
            LiveLeg("partner", "primary", LegPhase.REGISTERED, 1.0),
            LiveLeg("grid", "energy", LegPhase.DOWN, 1.0),
        ),
        transactions=(LiveTransaction("7", "partner", 1.0),),
    ),
    LiveCharger("cp002", connected=True, since_s=1.0, legs=(LiveLeg("partner", "primary", LegPhase.REGISTERED, 1.0),)),
    LiveCharger("cp003", connected=False, since_s=1.0),
)


def test_chargers_legs_and_transactions_are_counted() -> None:
    numbers = fleet_numbers(CHARGERS, {State.DRIFTED: 2}, frames_up=5, frames_down=3)
    assert numbers["chargers"] == {("yes",): 2, ("no",): 1}
    assert numbers["csms_legs"][("registered",)] == 2
    assert numbers["csms_legs"][("down",)] == 1
    assert numbers["open_transactions"] == {(): 1}
    assert numbers["drifted_chargers"] == {("drifted",): 2, ("refused",): 0}
    assert numbers["frames"] == {("up",): 5, ("down",): 3}


def test_what_is_nowhere_is_zero_and_not_absent() -> None:
    numbers = fleet_numbers((), {}, frames_up=0, frames_down=0)
    assert numbers["csms_legs"] == {(phase.value,): 0 for phase in LegPhase}
    assert numbers["chargers"] == {("yes",): 0, ("no",): 0}
