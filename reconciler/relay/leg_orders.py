"""Leg orders: what a back-end orders on its own leg is carried out on that leg, by the relay as the charger (R13).

back-end CALL ──concerns its leg?──no──> downward
                     ├─reads only──> leg_values ──> back-end
                     └─yes──> AnswerOrder ──shell: validate, store, answer, dial anew──> OrderAnswered ──> back-end

Any back-end may order on its own leg, whatever it owns: nothing of it reaches the station or another back-end (R9).
A Reset counts as an order while something waits for it: it is meant to bring the back-end's own connection up anew.
`local` has no leg of its own: what it orders is about the station's, which is what an owner of `security` is for. With
`credentials: passthrough` both legs share one credential, and these messages pass to the station.
"""

from collections.abc import Callable
from typing import Final

from reconciler.model.desired import LOCAL
from reconciler.relay import leg_values
from reconciler.relay.commands import AnswerOrder, SendToLeg
from reconciler.relay.envelope import Frame, call_result
from reconciler.relay.leg import CsmsLeg
from reconciler.relay.refusals import refusal
from reconciler.relay.state import SessionState
from reconciler.relay.terminated import concerns_leg, lists_leg_roots, reads_leg_alone

_EVSE: Final = b'"evseId"'
NOT_ON_THIS_LEG: Final = "would change the charging station's connection to the relay"


class LegOrders:
    """The orders of one session that have no answer yet; `pump_leg` sends what a leg may now send."""

    __slots__ = ("_count", "_open", "_pump_leg", "_state")

    def __init__(self, state: SessionState, pump_leg: Callable[[CsmsLeg], None]) -> None:
        self._state = state
        self._pump_leg = pump_leg
        self._count = 0
        self._open: dict[int, tuple[str, int, Frame]] = {}

    def take(self, leg: CsmsLeg, frame: Frame) -> bool:
        """Take a back-end's CALL where it concerns its leg; False where it is for the station."""
        state = self._state
        if leg.name == LOCAL or state.table.shares_credentials(leg.name):
            return False
        read = reads_leg_alone(frame)
        if read is not None:
            self._answer(leg, frame, leg_values.answer(state.values_of(leg), frame.action, read))
            return True
        if not (
            concerns_leg(state.table.action(frame.action), frame, state.deletable)
            or lists_leg_roots(frame)
            or (leg.restart_due and frame.action == "Reset" and _EVSE not in frame.raw)
        ):
            return False
        if frame.signed:  # its answer would have to be signed by the station
            self._refuse(leg, frame, "refused-call", f"{frame.action} {NOT_ON_THIS_LEG}")
        elif len(self._open) >= state.limits.orders_max:
            self._refuse(leg, frame, "queue-full", "too many orders for this leg are under way")
        else:
            self._count += 1
            self._open[self._count] = leg.name, leg.incarnation, frame
            leg.commands_open.add(frame.id)
            state.emit(AnswerOrder(leg.name, self._count, frame.raw))
        return True

    def answered(self, order: int, answer: bytes | None) -> None:
        """Bring the answer to the very connection that asked; None refuses."""
        name, incarnation, frame = self._open.pop(order)
        leg = self._state.legs.get(name)
        if leg is None or not leg.connected or leg.incarnation != incarnation:
            return
        leg.commands_open.discard(frame.id)
        if answer is None:
            self._refuse(leg, frame, "refused-call", f"{frame.action} can't be carried out on this leg")
            return
        self._answer(leg, frame, answer)

    def _answer(self, leg: CsmsLeg, frame: Frame, payload: bytes) -> None:
        leg.frames += 1
        self._state.emit(SendToLeg(leg.name, call_result(frame.id_token, payload)))
        self._pump_leg(leg)

    def _refuse(self, leg: CsmsLeg, frame: Frame, what: str, reason: str) -> None:
        state = self._state
        state.note(what, leg.name, frame.action, reason)
        state.emit(SendToLeg(leg.name, refusal(state.version, frame, reason)))
        self._pump_leg(leg)
