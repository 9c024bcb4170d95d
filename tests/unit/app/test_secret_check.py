"""Secret check: references that do not resolve are found where they are written."""

from reconciler.app.secret_check import secret_findings
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import SecretRef
from reconciler.model.documents import Document
from reconciler.model.site import Resource
from tests.support.specs import document, resources


class Known:
    """Implements `Secrets` over a set of names."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return something for a known name."""
        if ref.name not in self._names:
            raise SecretUnavailable(f"{ref} is not there", hint="put it there")
        return b"secret, and long enough"


def check(spec: Document, *known: str) -> list[tuple[str | None, str, str]]:
    found: list[Resource] = [*resources([spec]).values()]
    return [(finding.address, finding.summary, finding.hint) for finding in secret_findings(found, Known(*known))]


MUTUAL = document(
    "SecurityProfile",
    "field",
    profile=3,
    trustedCa={"fromFile": "ca.pem"},
    certificate={"fromFile": "relay.pem"},
    privateKey={"fromEnv": "FWDCTL_SECRET_KEY"},
)


def test_every_reference_that_does_not_resolve_is_an_error() -> None:
    assert check(MUTUAL, "ca.pem") == [
        ("security-profile.field", "file:relay.pem is not there", "put it there"),
        ("security-profile.field", "env:FWDCTL_SECRET_KEY is not there", "put it there"),
    ]


def test_references_that_resolve_are_no_finding() -> None:
    assert check(MUTUAL, "ca.pem", "relay.pem", "FWDCTL_SECRET_KEY") == []


def test_a_file_per_charger_is_left_to_the_session() -> None:
    assert check(document("SecurityProfile", "basic", profile=1, password={"fromFile": "{identity}.pw"})) == []


def test_the_password_before_may_be_gone() -> None:
    rotating = {"password": {"fromFile": "new"}, "passwordPrevious": {"fromFile": "old"}}
    assert check(document("SecurityProfile", "basic", profile=1, **rotating), "new") == []


def test_secrets_within_lists_are_found() -> None:
    hook = {"webhook": {"url": "https://a.example/x", "secret": {"fromEnv": "FWDCTL_SECRET_HOOK"}}}
    rule = document("NotificationRule", "r", chargers={"names": ["*"]}, on=["flip"], to=[hook])
    assert [summary for _, summary, _ in check(rule)] == ["env:FWDCTL_SECRET_HOOK is not there"]


def short(password: bytes, **more: object) -> list[str]:
    class Holds:
        """Implements `Secrets` over one."""

        def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
            """Return it."""
            return password

    spec = document("SecurityProfile", "basic", profile=1, password={"fromFile": "word"}, **more)
    found = list(secret_findings([*resources([spec]).values()], Holds()))
    assert not any(password.decode() in str(finding) for finding in found)
    return [f"{finding.severity.value}: {finding.summary}" for finding in found]


def test_a_password_that_is_too_short_is_warned_of_and_not_shown() -> None:
    told = ["warning: the password file:word is shorter than the 16 bytes that OCPP asks for"]
    assert short(b"fifteen letters") == told
    assert short(b"sixteen letters!") == []
    assert short(b"00112233445566778899AABBCCDDEE", passwordEncoding="hex") == told
    assert short(b"00112233445566778899AABBCCDDEEFF", passwordEncoding="hex") == []
    assert short(b"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA") == []
