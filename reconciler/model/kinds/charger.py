"""Kinds Charger and SplitSystem: charging stations, alone or several in one cabinet."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import Name, OcppVersion, SpecModel, Versions
from reconciler.model.kinds.duration import Duration


def check_identity(text: str) -> str:
    """Return `text`, or raise InvalidValue where a URL segment or Basic authentication cannot carry it."""
    if ":" in text:
        raise InvalidValue(
            f"identity {text!r} holds ':', which Basic authentication cannot carry in a user name",
            hint="rename the station without ':'",
        )
    if "/" in text or "\\" in text or text in (".", ".."):
        raise InvalidValue(
            f"identity {text!r} cannot be the last segment of a URL", hint="rename the station without '/' and '\\'"
        )
    if not text.isprintable() or text != text.strip():
        raise InvalidValue(
            f"identity {text!r} holds a character that a URL or Basic authentication cannot carry",
            hint="remove control characters and spaces around it",
        )
    return text


Identity = Annotated[
    str,
    Field(min_length=1, max_length=255, json_schema_extra={"pattern": r"^(?!\.{1,2}$)[^:/\\\s]([^:/\\]*[^:/\\\s])?$"}),
    AfterValidator(check_identity),
]
"""A station's identity: the last segment of the URL it connects to; unique, compared case-insensitively."""

SerialNumber = Annotated[str, Field(min_length=1, max_length=255)]


class QuirksSpec(SpecModel):
    """Tolerance for one charger."""

    assume_version: OcppVersion | None = None
    """What it speaks although it offers no subprotocol."""
    ping_interval: Duration | None = None
    """Keep-alive pings towards it; 0s for none."""
    compression: Literal["auto", "off"] = "auto"


class ChargerSpec(SpecModel):
    """A charging station."""

    identity: Identity | None = None
    """The last segment of the URL it connects to; default metadata.name."""
    serial_number: SerialNumber | None = None
    versions: Versions
    """What it speaks."""
    security_profile: Name
    """The SecurityProfile of the leg towards it."""
    quirks: QuirksSpec = QuirksSpec()


class Dispenser(SpecModel):
    """One dispenser of a split system: a charger of its own."""

    identity: Identity | None = None
    """Default: the charger's name, <name>-d1 for the first."""
    serial_number: SerialNumber | None = None


class SplitSystemSpec(SpecModel):
    """One cabinet, N dispensers: expands into N chargers named <name>-d1..dN."""

    model: Annotated[str, Field(max_length=255)] = ""
    versions: Versions
    """What every dispenser speaks."""
    security_profile: Name
    """The SecurityProfile of the legs towards them."""
    dispensers: Annotated[tuple[Dispenser, ...], Field(strict=False, min_length=1, max_length=64)]
