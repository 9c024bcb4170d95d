"""Brings what a session's back-ends order on their own legs to the leg desk, and the answers back (R13)."""

from reconciler.app.leg_desk import LegDesk, LegOrder
from reconciler.app.station_channel import serial_number_of
from reconciler.app.station_session import StationSession
from reconciler.relay import events
from reconciler.relay.commands import AnswerOrder, LegRegistered
from reconciler.relay.envelope import Frame, read_frame


def bring(desk: LegDesk | None, session: StationSession, command: AnswerOrder | LegRegistered) -> None:
    """Tell the desk; without one every order is refused."""
    if isinstance(command, AnswerOrder):
        _order(desk, session, command)
    elif desk is not None:
        desk.registered(session.charger, command.backend)


def opening(desk: LegDesk | None, session: StationSession, backend: str) -> None:
    """Tell a session that opens a leg what an earlier one has left undone there."""
    if desk is not None and desk.restart_due(session.charger, backend):
        session.feed(events.LegRestartExpected(backend, due=True))


def _order(desk: LegDesk | None, session: StationSession, command: AnswerOrder) -> None:
    backend, frame, leg = command.backend, read_frame(command.raw), session.core.state.legs.get(command.backend)

    def answer(payload: bytes | None) -> None:
        session.feed(events.OrderAnswered(command.order, payload))

    def redial() -> None:
        connection = session.connections.get(backend)
        if connection is not None and leg is not None:
            connection.redial(leg.spec)

    if desk is None or leg is None or not isinstance(frame, Frame):
        answer(None)
        return
    desk.take(
        LegOrder(
            session.charger,
            session.desired.identity,
            serial_number_of(session.desired),
            leg.spec.backend,
            session.version,
            frame.action,
            bytes(frame.payload),
            answer,
            redial,
            lambda action, payload: session.feed(events.OwnCallWanted(backend, action, payload)),
            lambda due: session.feed(events.LegRestartExpected(backend, due)),
        )
    )
