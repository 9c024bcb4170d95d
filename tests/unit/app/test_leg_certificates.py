"""Certificates and CAs that specs name for legs are read as the files are now."""

from datetime import timedelta

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.app.leg_certificates import LegCertificates
from reconciler.model.desired import SecretRef, Security
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PRIMARY, KnownSecrets, backend, charger

CA = Authority("partner's CA")
SHARED = Security(3, trusted_ca=SecretRef("file", "ca.pem"), certificate=SecretRef("file", "client.pem"))
OWN = Security(3, certificate=SecretRef("file", "{identity}.pem"))
CHARGERS = [
    charger("cp1", [(backend("partner", "wss://a", security=SHARED), PRIMARY)]),
    charger("cp2", [(backend("partner", "wss://a", security=SHARED), PRIMARY)]),
    charger("cp3", [(backend("other", "wss://b", security=OWN), PRIMARY)]),
]


def certificate(days: float) -> bytes:
    return CA.issue("SN-1", expires_in=timedelta(days=days))[0]


async def test_one_that_many_legs_share_is_named_once_with_all_its_chargers() -> None:
    secrets = {"client.pem": certificate(10), "CP3.pem": certificate(20), "ca.pem": CA.pem + Authority("next").pem}
    found = LegCertificates(lambda: CHARGERS, KnownSecrets(secrets), CertificateOffice())
    assert found.leg("cp1", "partner") == 0.0
    await found.look()
    assert [(each.whose, each.name, each.chargers) for each in found] == [
        ("leg", "partner file:client.pem", ["cp1", "cp2"]),
        ("ca", "partner file:ca.pem", ["cp1", "cp2"]),
        ("leg", "other file:CP3.pem", ["cp3"]),
    ]
    assert found.leg("cp1", "partner") == found.leg("cp2", "partner") < found.leg("cp3", "other")
    before = found.leg("cp1", "partner")
    secrets["client.pem"] = certificate(300)
    await found.look()
    assert found.leg("cp1", "partner") > before


async def test_what_can_not_be_read_is_for_the_dial_to_say() -> None:
    asked: list[str] = []

    class Counted(KnownSecrets):
        """Knows what was asked for."""

        def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
            """Return the secret."""
            asked.append(ref.name)
            return super().resolve(ref, identity)

    found = LegCertificates(lambda: CHARGERS, Counted({"client.pem": b"garbage"}), CertificateOffice())
    await found.look()
    assert list(found) == []
    assert asked == ["client.pem", "ca.pem", "{identity}.pem"]  # once, however many legs share it
