"""Secret references: where the server finds a secret; a spec never holds one."""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from reconciler.model.desired import SecretRef
from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import SpecModel, exactly_one, one_of_schema

ENV_PREFIX: Final = "FWDCTL_SECRET_"
_ENV_PATTERN: Final = rf"^{ENV_PREFIX}[A-Za-z0-9_]+$"
_FILE_PATTERN: Final = r"^(?![/\\])(?![A-Za-z]:)(?!.*(^|[/\\])\.\.([/\\]|$)).+$"

_WORDS: Final = {
    "password": "a password",
    "private_key": "a private key",
    "certificate": "a certificate",
    "trusted_ca": "a CA certificate",
    "secret": "a secret",
}


class SecretReference(SpecModel):
    """A secret by reference; the server resolves it, never the client that applies."""

    model_config = ConfigDict(json_schema_extra=one_of_schema("fromEnv", "fromFile"))

    from_env: Annotated[str | None, Field(max_length=200, json_schema_extra={"pattern": _ENV_PATTERN})] = None
    """An environment variable of the server; its name begins with FWDCTL_SECRET_."""
    from_file: Annotated[str | None, Field(max_length=1000, json_schema_extra={"pattern": _FILE_PATTERN})] = None
    """A file inside the server's secrets directory; {identity} in it is replaced by the charger's identity."""

    @model_validator(mode="after")
    def _is_one_safe_reference(self) -> Self:
        exactly_one(self, "from_env", "from_file")
        if self.from_env is not None:
            _check_env(self.from_env)
        if self.from_file is not None:
            _check_file(self.from_file)
        return self

    @property
    def ref(self) -> SecretRef:
        """The same as the value that the relay is told."""
        if self.from_env is not None:
            return SecretRef("env", self.from_env)
        return SecretRef("file", self.from_file or "")


def _check_env(name: str) -> None:
    rest = name.removeprefix(ENV_PREFIX)
    if rest == name or not rest.isascii() or not rest.replace("_", "a").isalnum():
        raise InvalidValue(
            f"fromEnv must name a variable that begins with {ENV_PREFIX}",
            hint=f"rename the server's variable, for example {ENV_PREFIX}PARTNER; letters, digits and _ only",
        )


def _check_file(path: str) -> None:
    parts = path.replace("\\", "/").split("/")
    absolute = parts[0] == "" or parts[0][1:2] == ":"
    if absolute or ".." in parts or not path.isprintable():
        raise InvalidValue(
            "fromFile must stay inside the server's secrets directory",
            hint="give a path relative to it, without a leading / and without ..",
        )


def _refuse_literal(value: object, info: ValidationInfo) -> object:
    """Refuse a secret written in the spec; the message must not repeat it."""
    if value is None or isinstance(value, dict | SecretReference):
        return value
    raise InvalidValue(
        f"{_WORDS.get(info.field_name or '', 'a secret')} is never written in a spec",
        hint=f"use {{fromEnv: {ENV_PREFIX}...}} or {{fromFile: ...}}; the server resolves it",
    )


Secret = Annotated[SecretReference, BeforeValidator(_refuse_literal)]
"""The type of every field that stands for a secret or a certificate."""
