"""Kind SecurityProfile: how one leg is authenticated and encrypted."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import ProfileNumber, SpecModel, whole_number
from reconciler.model.kinds.secret_reference import Secret


class SecurityProfileSpec(SpecModel):
    """How one leg is authenticated and encrypted; used by chargers and by back-ends."""

    profile: ProfileNumber
    """OCPP security profile: 0 none, 1 basic, 2 TLS and basic, 3 mutual TLS."""
    min_tls_version: Literal["1.2", "1.3"] = "1.2"
    """The oldest TLS version that is accepted, in quotes."""
    password: Secret | None = None
    """The Basic password of this leg, by reference."""
    password_previous: Secret | None = None
    """The password before this one: stations may still come in with it while it resolves."""
    password_encoding: Literal["plain", "hex"] = "plain"
    """How the password is sent upstream; from stations both are accepted."""
    trusted_ca: Secret | None = None
    """Who may sign the other side's certificate."""
    certificate: Secret | None = None
    """What this leg shows."""
    private_key: Secret | None = None
    """The key of `certificate`, unless that file holds it."""
    allow_downgrade_from: Annotated[Literal[1, 2, 3], BeforeValidator(whole_number)] | None = Field(default=None)
    """OCPP 2.x: accept a station that comes down to this profile from a higher one."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.password_previous is not None and self.password is None:
            raise InvalidValue("passwordPrevious without password", hint="add the password that follows it")
        if self.private_key is not None and self.certificate is None:
            raise InvalidValue("privateKey without certificate", hint="add the certificate that the key belongs to")
        if self.allow_downgrade_from is not None and self.allow_downgrade_from <= self.profile:
            raise InvalidValue(
                f"allowDowngradeFrom {self.allow_downgrade_from} is no downgrade to profile {self.profile}",
                hint="it names the higher profile that the station comes from",
            )
        return self
