"""Brings what a session's back-ends order on their own legs to the leg desk, and the answers back (R13)."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from reconciler.app.leg_desk import LegDesk, LegOrder
from reconciler.app.station_channel import serial_number_of
from reconciler.app.station_session import StationSession
from reconciler.as_charger.settings import LegSettings, profile_of
from reconciler.model.live import LegPhase
from reconciler.relay import events, leg_values
from reconciler.relay.commands import AnswerOrder, LegRegistered
from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.leg import CsmsLeg

TRIGGER: Final = "TriggerMessage"


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


def sign_anew(desk: LegDesk, session: StationSession | None, backend: str) -> bool:
    """Have a leg ask its back-end for a certificate, as if that had triggered it; False where it is not registered."""
    leg = None if session is None else session.core.state.legs.get(backend)
    if session is None or leg is None or leg.phase is not LegPhase.REGISTERED:
        return False
    desk.take(_leg_order(session, leg, TRIGGER, b"{}", lambda answer: None))
    return True


def _order(desk: LegDesk | None, session: StationSession, command: AnswerOrder) -> None:
    frame, leg = read_frame(command.raw), session.core.state.legs.get(command.backend)

    def answer(payload: bytes | None) -> None:
        session.feed(events.OrderAnswered(command.order, payload))

    if desk is None or leg is None or not isinstance(frame, Frame):
        answer(None)
        return
    desk.take(_leg_order(session, leg, frame.action, bytes(frame.payload), answer))


def _leg_order(
    session: StationSession, leg: CsmsLeg, action: str, payload: bytes, answer: Callable[[bytes | None], None]
) -> LegOrder:
    backend = leg.name

    def redial() -> None:
        connection = session.connections.get(backend)
        if connection is not None:
            connection.redial(leg.spec)

    return LegOrder(
        session.charger,
        session.desired.identity,
        serial_number_of(session.desired),
        leg.spec.backend,
        session.version,
        action,
        payload,
        answer,
        redial,
        lambda called, sent: session.feed(events.OwnCallWanted(backend, called, sent)),
        lambda settings: _changed(session, backend, settings),
    )
