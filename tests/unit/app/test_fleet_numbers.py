"""Live state in numbers."""

from reconciler.app.fleet_numbers import Tally, fleet_numbers, of_one_worker
from reconciler.model.live import LegPhase
from reconciler.planning.drift import State

CHARGERS = (
    Tally(True, (LegPhase.REGISTERED, LegPhase.DOWN), 1),
    Tally(True, (LegPhase.REGISTERED,)),
    Tally(False),
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


def test_numbers_of_several_workers_add_up_to_those_of_the_machine() -> None:
    here, elsewhere = CHARGERS, 1
    numbers = fleet_numbers(here, {}, frames_up=1, frames_down=1)
    worker = of_one_worker(numbers, elsewhere=elsewhere, is_front=False)
    front = of_one_worker(fleet_numbers((), {}, frames_up=0, frames_down=0), elsewhere=0, is_front=True)
    assert worker["chargers"] == {("yes",): 2}
    assert "drifted_chargers" not in worker
    assert front["chargers"] == {("yes",): 0, ("no",): 0}
    assert "drifted_chargers" in front
    looking = fleet_numbers([one._replace(connected=False) for one in CHARGERS], {}, frames_up=0, frames_down=0)
    assert of_one_worker(looking, elsewhere=2, is_front=True)["chargers"] == {("yes",): 0, ("no",): 1}
