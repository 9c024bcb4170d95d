"""Desired state of one charger, resolved: what the controller tells the relay, and what the relay runs."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Final, Literal

import msgspec

LOCAL: Final = "local"
"""The relay's own back-end; always there, needs no socket."""
SIGNING_WAIT_MINIMUM_S: Final = 60
"""How long a leg waits for a CertificateSigned before it asks again; twice as long each time (OCPP 2.x, A02)."""
DECLARED_SLOT: Final = 1
"""The slot in which a back-end of OCPP 2.x finds its leg's network profile as the spec has it."""
SIGNING_REPEAT_TIMES: Final = 3
"""How often a leg asks again; a back-end may set both on its leg."""

OpenTransaction = Literal["proceed", "wait", "skip"]
OwnerDownPolicy = Literal["close", "buffer", "failover"]
KeepOrClear = Literal["keep", "clear"]
CredentialsMode = Literal["own", "passthrough"]
Compression = Literal["auto", "off"]


class SecretRef(msgspec.Struct, frozen=True):
    """Where the server finds a secret; never the secret itself."""

    source: Literal["env", "file", "kept"]
    """kept: no spec names it; the relay was given it by a back-end and stores it encrypted."""
    name: str

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"


class Security(msgspec.Struct, frozen=True):
    """How one leg is authenticated and encrypted (OCPP security profiles 0 to 3)."""

    profile: int = 0
    min_tls_version: str = "1.2"
    password: SecretRef | None = None
    password_encoding: Literal["plain", "hex"] = "plain"
    trusted_ca: SecretRef | None = None
    certificate: SecretRef | None = None
    private_key: SecretRef | None = None
    allow_downgrade_from: int | None = None
    password_previous: SecretRef | None = None
    additional_ca: SecretRef | None = None
    """Trusted besides `trusted_ca`, or besides the system's CAs; a back-end has installed it on its leg."""


class VendorMessage(msgspec.Struct, frozen=True):
    """DataTransfer messages a role owns: globs over vendorId and messageId."""

    vendor_id: str
    message_id: str = "*"


class Role(msgspec.Struct, frozen=True):
    """What a back-end may do on a charger; `owns` and `observes` hold features or "*"."""

    name: str
    owns: frozenset[str]
    observes: frozenset[str] = frozenset({"*"})
    may_read: bool = False
    vendor_messages: tuple[VendorMessage, ...] = ()
    connected: bool = True
    """False only for `off`: no connection at all."""


class Backend(msgspec.Struct, frozen=True):
    """An OCPP back-end (CSMS) as the relay dials it; `local` has url ""."""

    name: str
    url: str
    versions: tuple[str, ...]
    security: Security = Security()
    call_timeout_s: float = 30.0
    down_after_s: float = 30.0
    up_after_s: float = 120.0
    half_duplex: bool = False
    compression: Compression = "auto"
    tls_url: str = ""
    """Where it is dialled once it has raised the leg to a profile with TLS; "": the same place with wss."""


class LocalAnswers(msgspec.Struct, frozen=True):
    """How `local` answers stations while it owns."""

    authorize: Literal["known", "accept", "reject"] = "known"
    heartbeat_interval_s: float = 300.0


class DesiredLeg(msgspec.Struct, frozen=True):
    """One back-end on one charger, in the role it is to have."""

    backend: Backend
    role: Role
    credentials: CredentialsMode = "own"


class Handover(msgspec.Struct, frozen=True):
    """What becomes of what the old owner left in the station (relay.md R14).

    `keep` leaves it, `clear` takes it away, `restore` puts a connector back into operation. Everything is kept by
    default: to lift a limit may overload a site, so somebody has to ask for it.
    """

    charging_profiles: KeepOrClear = "keep"
    reservations: KeepOrClear = "keep"
    availability: Literal["keep", "restore"] = "keep"
    local_list: KeepOrClear = "keep"
    display_messages: KeepOrClear = "keep"
    der_controls: KeepOrClear = "keep"


class FlipPolicy(msgspec.Struct, frozen=True):
    """How a change of owners is carried out."""

    open_transaction: OpenTransaction = "proceed"
    confirm_within_s: float = 60.0
    handover: Handover = Handover()


class FailoverRule(msgspec.Struct, frozen=True):
    """Who takes over from an owner that is away for `after_s`, and whether it comes back by itself (R11)."""

    to: str
    after_s: float = 30.0
    back: Literal["auto", "manual"] = "auto"


class Quirks(msgspec.Struct, frozen=True):
    """Per-charger tolerance (facts: ocpp.md section 6)."""

    assume_version: str | None = None
    ping_interval_s: float | None = None
    compression: Compression = "auto"


class DesiredCharger(msgspec.Struct, frozen=True, eq=False):
    """All that the relay needs to know of one charger; two are equal where only `because` differs.

    `owners` maps every feature to the name of exactly one back-end of `legs` (R5).
    """

    name: str
    identity: str
    serial_number: str | None
    versions: tuple[str, ...]
    security: Security
    legs: tuple[DesiredLeg, ...]
    owners: Mapping[str, str]
    flip: FlipPolicy = FlipPolicy()
    when_owner_is_down: OwnerDownPolicy = "close"
    failover: FailoverRule | None = None
    """Only where `when_owner_is_down` is failover."""
    quirks: Quirks = Quirks()
    local: LocalAnswers = LocalAnswers()
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    because: str = ""
    """What decides for the time being that it is to run so; "" where it is as declared."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DesiredCharger):
            return NotImplemented
        return bool(_what_counts(self) == _what_counts(other))

    def __ne__(self, other: object) -> bool:  # a struct's own would tell whether they are the same object
        return not self == other

    def leg(self, backend: str) -> DesiredLeg | None:
        """Return the leg of `backend`, or None where it has none."""
        return next((leg for leg in self.legs if leg.backend.name == backend), None)


_what_counts: Final = attrgetter(*(name for name in DesiredCharger.__struct_fields__ if name != "because"))
"""Gives what makes a charger this one, as a tuple; in C, as thousands are compared."""
