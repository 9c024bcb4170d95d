"""Fleet numbers: live state counted, for metrics; nothing in them names a charger."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from reconciler.model.live import LegPhase
from reconciler.planning.drift import NEEDING_ATTENTION, State

FleetNumbers = Mapping[str, Mapping[tuple[str, ...], float]]
"""Metric name -> label values -> number."""

OF_THE_WHOLE_FLEET: Final = ("drifted_chargers",)
"""What is the same at every node that looks."""


class Tally(NamedTuple):
    """What of one charger is counted: whether it is connected, how its legs are, its open transactions."""

    connected: bool
    legs: Sequence[LegPhase] = ()
    transactions: int = 0


def fleet_numbers(
    chargers: Iterable[Tally], drifted: Mapping[State, int], *, frames_up: int, frames_down: int
) -> FleetNumbers:
    """Return metric name -> label values -> number, as of now; every label value is there, with 0 where nothing is.

    `drifted` is how many chargers need attention, by state.
    """
    connected, phases, transactions = Counter[bool](), Counter[LegPhase](), 0
    for charger in chargers:
        connected[charger.connected] += 1
        phases.update(charger.legs)
        transactions += charger.transactions
    return {
        "chargers": {("yes",): connected[True], ("no",): connected[False]},
        "drifted_chargers": {(state.value,): drifted.get(state, 0) for state in NEEDING_ATTENTION},
        "csms_legs": {(phase.value,): phases[phase] for phase in LegPhase},
        "open_transactions": {(): transactions},
        "frames": {("up",): frames_up, ("down",): frames_down},
    }


def of_one_worker(numbers: FleetNumbers, *, elsewhere: int, is_front: bool) -> FleetNumbers:
    """Return the numbers of one process of several on a machine, so that the sum over all of them is the machine's.

    `elsewhere` is how many chargers are connected to other nodes. What is the same at every one is the front's.
    """
    chargers = dict(numbers["chargers"])
    if is_front:
        chargers["no",] = max(0.0, chargers["no",] - elsewhere)
        return {**numbers, "chargers": chargers}
    del chargers["no",]
    kept = {name: values for name, values in numbers.items() if name not in OF_THE_WHOLE_FLEET}
    return {**kept, "chargers": chargers}
