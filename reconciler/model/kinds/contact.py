"""Contacts: whom to tell; a mail address or a webhook."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import SpecModel, exactly_one, one_of_schema
from reconciler.model.kinds.secret_reference import Secret
from reconciler.model.windows import check_zone


def split_url(url: str, schemes: tuple[str, ...]) -> None:
    """Raise InvalidValue where `url` is not an absolute URL of `schemes`; the message never repeats a password."""
    example = f"for example {schemes[-1]}://host.example/path"
    try:
        parts = urlsplit(url)
        _ = parts.port  # urllib checks the port only when it is asked for
    except ValueError as error:
        raise InvalidValue("the url is not a URL", hint=example) from error
    if parts.scheme not in schemes or not parts.hostname or any(ord(character) <= 32 for character in url):
        raise InvalidValue(f"the url must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}", hint=example)
    if "@" in parts.netloc:
        raise InvalidValue(
            "credentials are never written in a url",
            hint="take user and password out of the url; a SecurityProfile refers to the password",
        )
    if parts.fragment:
        raise InvalidValue("the url must not have a #fragment", hint=example)


def _webhook_url(url: str) -> str:
    split_url(url, ("http", "https"))
    return url


def _email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if not local or not domain or not text.isprintable() or " " in text:
        raise InvalidValue(f"{text!r} is not a mail address", hint="for example noc@partner.example")
    return text


class Webhook(SpecModel):
    """An HTTP endpoint that notices are posted to."""

    url: Annotated[
        str, Field(max_length=2000, json_schema_extra={"pattern": "^https?://"}), AfterValidator(_webhook_url)
    ]
    secret: Secret | None = None
    """Signs the body, so that the receiver knows who posted it."""


def _zone(text: str) -> str:
    check_zone(text)
    return text


class Contact(SpecModel):
    """Whom to tell: {email: ...} or {webhook: {...}}, and in which time zone."""

    model_config = ConfigDict(json_schema_extra=one_of_schema("email", "webhook"))

    email: Annotated[str, Field(max_length=254, json_schema_extra={"pattern": "@"}), AfterValidator(_email)] | None = (
        None
    )
    webhook: Webhook | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    """IANA name; notices of outages say their times in it, or else in the outage's own."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        exactly_one(self, "email", "webhook")
        return self
