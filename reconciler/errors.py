"""The whole exception tree, split by what the caller can do; each branch carries its exit code.

FwdctlError                    1   anything else that went wrong, said in one sentence
├── InvalidSpecs               1   the input is wrong: `diagnostics` says all that is, with positions
├── TextsNeeded                1   known texts are not enough; `texts` have to be sent as documents
├── ServerUnreachable          1   no admin API at the URL
├── UnknownAddress             1   no such resource, charger or back-end
├── NotKept                    1   it was there once, and is older than what is kept
├── SecretUnavailable          1   a secret reference does not resolve on the server
├── NoEncryptionKey            1   something would have to be stored encrypted, and the server has no key
├── Unsealable                 1   what is stored encrypted does not open
├── NotIssued                  1   a certificate authority does not sign
├── NotApplied                     nothing was changed
│   ├── GuardTripped           3   a guard or threshold says no; `override` is the flag that allows it
│   ├── OutsideChangeWindow    4   a change window says no
│   ├── LockHeld               5   another writer holds the lock
│   └── StalePlan              6   what the plan was made against no longer holds, or it was used before
├── AppliedInPart              7   some chargers failed, the rest is applied
├── NotAuthorised              8   no token, or a wrong one
│   └── NotAllowed             8   a token that may not do this
└── NotAvailable               1   an operation can't be done now; `details` says on which charger, and why
    └── OwnedElsewhere         9   another back-end owns the feature
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from reconciler.model.diagnostics import Diagnostic


class FwdctlError(Exception):
    """What went wrong, where and why; `hint` is what to do or type next, "" where there is nothing to say."""

    exit_code: ClassVar[int] = 1

    def __init__(self, summary: str, *, hint: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


class InvalidSpecs(FwdctlError):
    """Raised when specs do not validate; `diagnostics` holds every finding, errors and warnings."""

    def __init__(self, summary: str, diagnostics: "Sequence[Diagnostic]", *, hint: str = "") -> None:
        super().__init__(summary, hint=hint)
        self.diagnostics = tuple(diagnostics)


class TextsNeeded(FwdctlError):
    """Raised when documents given by the digest of their text have to be given themselves; `texts` says which.

    No more than a turn in a conversation between command line and server: nobody is told.
    """

    def __init__(
        self, summary: str = "what is known by its text is not enough", *, hint: str = "", texts: Sequence[str] = ()
    ) -> None:
        super().__init__(summary, hint=hint or "send the documents")
        self.texts = tuple(texts)


class ServerUnreachable(FwdctlError):
    """Raised when no admin API answers at the URL."""


class UnknownAddress(FwdctlError):
    """Raised when an address, charger or back-end is not declared."""


class NotKept(FwdctlError):
    """Raised when a revision or a time is asked for that is older than what is kept."""


class SecretUnavailable(FwdctlError):
    """Raised when a secret reference does not resolve; never holds the secret."""


class NoEncryptionKey(FwdctlError):
    """Raised where something would have to be stored encrypted and the server has no key."""


class Unsealable(FwdctlError):
    """Raised where no key that we have opens what was sealed, or where it is not what it is said to be."""


class NotIssued(FwdctlError):
    """Raised where a certificate authority does not sign; says why, for people."""


class NotApplied(FwdctlError):
    """Raised when an apply was refused before anything was touched."""


class GuardTripped(NotApplied):
    """Raised when a guard or threshold stops an apply."""

    exit_code: ClassVar[int] = 3


class OutsideChangeWindow(NotApplied):
    """Raised when a change window forbids the change now."""

    exit_code: ClassVar[int] = 4


class LockHeld(NotApplied):
    """Raised when another writer holds the apply lock."""

    exit_code: ClassVar[int] = 5


class StalePlan(NotApplied):
    """Raised when a plan's basis no longer holds, or when the plan was applied before."""

    exit_code: ClassVar[int] = 6


class AppliedInPart(FwdctlError):
    """Raised when an apply finished with failures."""

    exit_code: ClassVar[int] = 7


class NotAuthorised(FwdctlError):
    """Raised when the token is missing or wrong."""

    exit_code: ClassVar[int] = 8


class NotAllowed(NotAuthorised):
    """Raised when the token holds and does not reach so far."""


class NotAvailable(FwdctlError):
    """Raised when an operation can't be done now: the charger is offline, has not booted, or speaks another version.

    `details` holds charger, operation, feature, owner and way_out (the command that would change it), all texts.
    """

    def __init__(self, summary: str, *, hint: str = "", details: Mapping[str, str] | None = None) -> None:
        super().__init__(summary, hint=hint)
        self.details = dict(details or {})


class OwnedElsewhere(NotAvailable):
    """Raised when an operation needs a feature that another back-end owns."""

    exit_code: ClassVar[int] = 9
