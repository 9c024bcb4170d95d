"""Bounds of a session (R15): past each there is a decided refusal, a note, never growth."""

import msgspec


class SessionLimits(msgspec.Struct, frozen=True):
    """Every number that bounds what one session keeps or waits for."""

    station_calls_max: int = 16
    """Open calls of the station; one is allowed by OCPP, a few are tolerated, more close its socket."""
    commands_waiting_max: int = 32
    """Commands of all back-ends that wait for the station's one slot."""
    orders_max: int = 8
    """What back-ends order on their own legs and has no answer yet (R13)."""
    command_wait_s: float = 10.0
    """How long a command may wait for the slot before it is refused; its sender's own timer runs meanwhile."""
    deaf_after_timeouts: int = 3
    """Commands in a row that the station may leave unanswered; then its socket closes, so that it dials a sound one."""
    own_call_timeout_s: float = 30.0
    """How long the station may take to answer a command of the relay's own."""
    upward_waiting_max: int = 64
    """Calls and copies that wait for one CSMS leg."""
    copy_age_max_s: float = 120.0
    """How long a copy may wait for a leg that is down or slow."""
    answered_remembered: int = 8
    """Answered calls per direction that a CALLRESULTERROR may still refer to."""
    answered_grace_s: float = 60.0
    heartbeat_interval_min_s: float = 1.0
    """Shortest interval of the relay's own heartbeats, whatever a back-end asks for."""
    boot_grace_s: float = 2.0
    """How long a new station may take to send its own BootNotification before a remembered one is replayed."""
    boot_retry_min_s: float = 5.0
    """Shortest wait before BootNotification is repeated towards a back-end that answered Pending or Rejected."""
    boot_retry_default_s: float = 60.0
    """The same where that back-end named no interval."""
    backlog_tries_max: int = 3
    """How often a kept call is sent to an owner that answers it with CALLERROR."""
    compose_within_s: float = 5.0
    """How long an answer that several owners share waits for all of them (R6)."""
    answer_margin_s: float = 5.0
    """How long before the station's own timeout (`callTimeout`) the relay gives up on an owner (R3)."""
