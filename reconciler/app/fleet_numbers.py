"""Fleet numbers: live state counted, for metrics; nothing in them names a charger."""

from collections import Counter
from collections.abc import Iterable, Mapping

from reconciler.model.live import LegPhase, LiveCharger
from reconciler.planning.drift import NEEDING_ATTENTION, State


def fleet_numbers(
    chargers: Iterable[LiveCharger], drifted: Mapping[State, int], *, frames_up: int, frames_down: int
) -> Mapping[str, Mapping[tuple[str, ...], float]]:
    """Return metric name -> label values -> number, as of now; every label value is there, with 0 where nothing is.

    `drifted` is how many chargers need attention, by state.
    """
    connected, phases, transactions = Counter[bool](), Counter[LegPhase](), 0
    for charger in chargers:
        connected[charger.connected] += 1
        phases.update(leg.phase for leg in charger.legs)
        transactions += len(charger.transactions)
    return {
        "chargers": {("yes",): connected[True], ("no",): connected[False]},
        "drifted_chargers": {(state.value,): drifted.get(state, 0) for state in NEEDING_ATTENTION},
        "csms_legs": {(phase.value,): phases[phase] for phase in LegPhase},
        "open_transactions": {(): transactions},
        "frames": {("up",): frames_up, ("down",): frames_down},
    }
