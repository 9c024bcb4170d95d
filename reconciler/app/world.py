"""What a relay node is given: one object for each thing it can't do by itself."""

from collections.abc import Callable

import msgspec

from reconciler.app.csms_connection import RedialPolicy
from reconciler.app.leg_desk import LegDesk
from reconciler.app.legs import Dialer
from reconciler.app.ports import Clock, Log, Metrics, Secrets
from reconciler.app.recorder import Recorder
from reconciler.app.stored_passwords import StoredPasswords


class World(msgspec.Struct, frozen=True):
    """What a node is given: one object for each thing it can't do by itself."""

    dialer: Dialer
    secrets: Secrets
    clock: Clock
    metrics: Metrics
    log: Log
    recorder: Recorder
    new_id: Callable[[], str]
    """Message ids, at most 36 characters, never the same twice."""
    token_key: bytes
    """Random; keys the digests of id tokens that owners accepted."""
    redial: RedialPolicy = msgspec.field(default_factory=RedialPolicy)
    organization: str = ""
    """What the O of stations' certificates must hold; "" asks for none."""
    passwords: StoredPasswords | None = None
    """None: stored passwords are no hashes."""
    leg_desk: LegDesk | None = None
    """Carries out what back-ends order on their own legs; None refuses all of it."""
