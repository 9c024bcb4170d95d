"""Kind Backend: an OCPP back-end (CSMS) that the relay dials, or how `local` answers."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import Items, Name, SpecModel, Versions
from reconciler.model.kinds.contact import Contact, split_url
from reconciler.model.kinds.duration import Duration, PositiveDuration


def _csms_url(url: str) -> str:
    split_url(url, ("ws", "wss"))
    return url


def _tls_url(url: str) -> str:
    split_url(url, ("wss",))
    return url


class Health(SpecModel):
    """When a back-end counts as down, and as up again."""

    down_after: Duration = 30
    up_after: Duration = 120


class LocalAnswersSpec(SpecModel):
    """How `local` answers stations while it owns."""

    authorize: Literal["known", "accept", "reject"] = "known"
    """known: id tokens that an owner accepted on this charger or site lately."""
    heartbeat_interval: PositiveDuration = 300


class BackendSpec(SpecModel):
    """A back-end: url, versions and securityProfile; or, for the one named local, only {local: {...}}."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["url", "versions", "securityProfile"], "not": {"required": ["local"]}},
                {"required": ["local"], "maxProperties": 1},
            ]
        }
    )

    url: (
        Annotated[str, Field(max_length=2000, json_schema_extra={"pattern": "^wss?://"}), AfterValidator(_csms_url)]
        | None
    ) = None
    """ws:// or wss://; the percent-encoded identity of the charger is appended."""
    tls_url: (
        Annotated[str, Field(max_length=2000, json_schema_extra={"pattern": "^wss://"}), AfterValidator(_tls_url)]
        | None
    ) = None
    """wss://; where it is dialled once the back-end itself raises a leg to a profile with TLS."""
    versions: Versions | None = None
    """What the back-end speaks."""
    security_profile: Name | None = None
    """The SecurityProfile of the leg towards it."""
    contacts: Items[Contact] = ()
    """Who hears of outages and flips."""
    health: Health = Health()
    call_timeout: PositiveDuration = 30
    """How long a call that this back-end makes may take."""
    half_duplex: bool = False
    """For back-ends that allow one call in flight regardless of direction."""
    compression: Literal["auto", "off"] = "auto"
    local: LocalAnswersSpec | None = None
    """Only for the Backend named local."""

    @model_validator(mode="after")
    def _is_dialled_or_local(self) -> Self:
        if self.local is None:
            needed = {"url": self.url, "versions": self.versions, "securityProfile": self.security_profile}
            missing = [name for name, value in needed.items() if value is None]
            if missing:
                raise InvalidValue(f"needs {', '.join(missing)}", hint="every back-end but local is dialled")
        elif self.model_fields_set != {"local"}:
            raise InvalidValue("has local besides other fields", hint="local is never dialled: leave only local")
        return self
