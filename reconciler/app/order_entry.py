"""Brings what a session's back-ends order on their own legs to the leg desk, and the answers back (R13)."""

from dataclasses import replace

from reconciler.app.leg_desk import LegDesk, LegOrder
from reconciler.app.station_channel import serial_number_of
from reconciler.app.station_session import StationSession
from reconciler.as_charger.settings import LegSettings, profile_of
from reconciler.relay import events, leg_values
from reconciler.relay.commands import AnswerOrder, LegRegistered
from reconciler.relay.envelope import Frame, read_frame


def bring(desk: LegDesk | None, session: StationSession, command: AnswerOrder | LegRegistered) -> None:
    """Tell the desk; without one every order is refused."""
    if isinstance(command, AnswerOrder):
        _order(desk, session, command)
    elif desk is not None:
        desk.registered(session.charger, command.backend)
        opening(desk, session, command.backend)  # it may have fallen back


def opening(desk: LegDesk | None, session: StationSession, backend: str) -> None:
    """Tell a session what a back-end has set on its leg, in an earlier session or on another node, too."""
    settings = None if desk is None else desk.settings(session.charger, backend)
    if settings is not None:
        _changed(session, backend, settings)


def _changed(session: StationSession, backend: str, settings: LegSettings) -> None:
    leg = session.core.state.legs.get(backend)
    if leg is None:
        return
    declared = leg_values.declared(leg.spec.backend, session.desired.identity)
    values = replace(
        declared,
        profile=profile_of(leg.spec.backend, settings),
        organization=settings.organization or "",
        priority=settings.priority or declared.priority,
        signing_wait_minimum_s=settings.signing_wait_s,
        signing_repeat_times=settings.signing_repeats,
    )
    session.feed(events.LegChanged(backend, values, settings.restart_due))


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
            lambda settings: _changed(session, backend, settings),
        )
    )
