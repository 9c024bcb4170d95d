"""The call that is being answered: the gate leaves it here, in a context variable, which is each request's own."""

from contextvars import ContextVar
from typing import Final

from reconciler.app.api_audit import ApiCall

CURRENT_CALL: Final[ContextVar[ApiCall]] = ContextVar("fwdctl_api_call")


def acting(claim: str) -> str:
    """Return whom history is to name for the call that is being answered, given what the caller says of itself."""
    return CURRENT_CALL.get().acting(claim)
