"""Measures who is let in: every security profile, version, leg and credential, on real sockets with real TLS."""

import base64
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles, WebSocketDialer
from reconciler.adapters.websocket.leg import NobodyListens
from reconciler.app.legs import DialFailed, DialRequest
from reconciler.app.ports import ChargerMemory
from reconciler.model.desired import Backend, DesiredLeg, SecretRef, Security
from reconciler.model.features import OCPP_VERSIONS
from reconciler.testing import SimulatedCsms
from tests.integration.websocket.certificates import Authority
from tests.support.relay import PRIMARY, KnownSecrets, Relay, backend, charger, relay

PATH: Final = "docs/security-matrix.md"
PROFILES: Final = (0, 1, 2, 3)
CREDENTIALS: Final = (
    "right",
    "wrong",
    "none",
    "expired",
    "revoked",
    "self-signed",
    "wrong host",
    "wrong CN",
    "lower profile",
    "after a higher one",
    "TLS 1.1",
)
ACCEPTED: Final = "in"
NOT_APPLICABLE: Final = "-"
PASSWORD: Final = b"correct horse battery staple"
WRONG: Final = b"incorrect horse battery"
KNOWN: Final = SecretRef("env", "PASSWORD")
TRUSTED: Final = SecretRef("file", "CA")
Case = Callable[[], Awaitable[str]]

HEADER: Final = """# Who is let in

Made by a test run on real sockets (`make golden`); `tests/docs/test_security_matrix.py` fails where it no longer holds.

`in`: accepted. A number: refused with that HTTP status. `TLS`: the TLS handshake fails. `not dialled`: the relay does
not even try, as the spec lacks what the profile needs or contradicts it. `-`: the profile knows no such credential.

- **wrong**: another password; with profile 3 a certificate of another CA.
- **none**: no Authorization header, no client certificate; towards a CSMS: none in the spec.
- **expired, revoked, self-signed, wrong CN**: the station's certificate (station leg, profile 3). On the CSMS leg
  *expired*, *self-signed* and *wrong host* are the CSMS's certificate, *revoked* and *wrong CN* the relay's own. The
  relay does not ask whether a CSMS's certificate is revoked.
- **lower profile**: a station that comes in by the plain door; a CSMS with a `ws://` URL.
- **after a higher one**: a station that came in with profile 3 before.
"""


@dataclass(frozen=True)
class Papers:
    """Certificates and contexts of one run."""

    authority: Authority
    folder: Path

    def client(self, shown: tuple[bytes, bytes] | None = None) -> ssl.SSLContext:
        """Return a client's context, with its certificate where it has one."""
        context = self.authority.trusting()
        if shown is not None:
            path = self.folder / "shown.pem"
            path.write_bytes(b"".join(shown))
            context.load_cert_chain(path)
        return context

    def server(self, host: str = "localhost", *, days: int = 1, mutual: bool = False) -> ssl.SSLContext:
        """Return a CSMS's context."""
        return self.authority.server_context(self.folder, host, expires_in=timedelta(days=days), verify_clients=mutual)


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return a context that speaks TLS 1.1 and nothing newer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


class StationLeg:
    """Stations at the relay's two doors."""

    def __init__(self, running: Relay, tls_port: int, papers: Papers, revoked: tuple[bytes, bytes]) -> None:
        self._plain = running.url
        self._tls = f"wss://localhost:{tls_port}"
        self._papers = papers
        self._revoked = revoked

    def cases(self, profile: int, version: str) -> Mapping[str, Case]:
        """Return how each credential of a profile is tried."""
        identity = f"CP{profile}"

        def knock(
            password: bytes | None = None,
            context: ssl.SSLContext | None = None,
            shown: tuple[bytes, bytes] | None = None,
            name: str = identity,
        ) -> Case:
            secured = context or (self._papers.client(shown) if shown or profile >= 2 else None)
            return lambda: self._knock(name, version, password, secured)

        def plain(password: bytes | None) -> Case:
            return lambda: self._knock(identity, version, password, None)

        issue = self._papers.authority.issue
        if profile == 0:
            return {"right": knock(), "after a higher one": knock(name="WAS0")}
        if profile in (1, 2):
            cases = {
                "right": knock(PASSWORD),
                "wrong": knock(WRONG),
                "none": knock(),
                "after a higher one": knock(PASSWORD, name=f"WAS{profile}"),
            }
            if profile == 2:
                cases |= {"lower profile": plain(PASSWORD), "TLS 1.1": knock(PASSWORD, old(self._papers.client()))}
            return cases
        mine = issue("SN-3")
        return {
            "right": knock(shown=mine),
            "wrong": knock(shown=Authority("another CA").issue("SN-3")),
            "none": knock(),
            "expired": knock(shown=issue("SN-3", expires_in=timedelta(days=-1))),
            "revoked": knock(shown=self._revoked),
            "self-signed": knock(shown=Authority("SN-3").itself),
            "wrong CN": knock(shown=issue("SN-2")),
            "lower profile": plain(None),
            "TLS 1.1": knock(context=old(self._papers.client(mine))),
        }

    async def _knock(self, name: str, version: str, password: bytes | None, context: ssl.SSLContext | None) -> str:
        login = base64.b64encode(f"{name}:".encode() + (password or b"")).decode()
        try:
            station = await connect(
                f"{self._plain if context is None else self._tls}/{name}",
                subprotocols=[Subprotocol(version)],
                additional_headers={} if password is None else {"Authorization": f"Basic {login}"},
                ssl=context,
                proxy=None,
            )
        except InvalidStatus as refused:
            return str(refused.response.status_code)
        except (OSError, InvalidMessage):
            return "TLS"
        await station.close()
        return ACCEPTED


class CsmsLeg:
    """The relay at CSMSs that are as they should be, or not."""

    def __init__(self, papers: Papers, shown: tuple[bytes, bytes], revoked: tuple[bytes, bytes]) -> None:
        self._papers = papers
        stranger = Authority("another CA").issue("SN-3")
        other = papers.authority.issue("SN-2")
        certificates = {"MINE": shown, "REVOKED": revoked, "STRANGER": stranger, "OTHER": other}
        files = {f"{name}{part}": pem[part] for name, pem in certificates.items() for part in (0, 1)}
        self._dialer = WebSocketDialer(
            KnownSecrets({"PASSWORD": PASSWORD, "WRONG": WRONG, "CA": papers.authority.pem, **files})
        )
        self._crl = papers.folder / "crl.pem"

    def cases(self, profile: int, version: str) -> Mapping[str, Case]:
        """Return how each credential of a profile is tried."""

        def dial(security: Security, context: ssl.SSLContext | None = None, scheme: str | None = None) -> Case:
            return lambda: self._dial(security, version, context, scheme)

        if profile == 0:
            return {"right": dial(Security(0))}
        if profile == 1:
            by_password = Security(1, password=KNOWN)
            return {
                "right": dial(by_password),
                "wrong": dial(replace(by_password, password=SecretRef("env", "WRONG"))),
                "none": dial(Security(1)),
            }
        right = Security(2, password=KNOWN, trusted_ca=TRUSTED) if profile == 2 else self._mutual("MINE")
        server = self._papers.server
        mutual = profile == 3
        wrong = self._mutual("STRANGER") if mutual else replace(right, password=SecretRef("env", "WRONG"))
        cases = {
            "right": dial(right, self._context(mutual)),
            "wrong": dial(wrong, self._context(mutual)),
            "none": dial(Security(profile, trusted_ca=TRUSTED), self._context(mutual)),
            "expired": dial(right, server(days=-1)),
            "self-signed": dial(right, Authority("localhost").server_context(self._papers.folder, "localhost")),
            "wrong host": dial(right, server("other.example")),
            "lower profile": dial(right, scheme="ws"),
            "TLS 1.1": dial(right, old(server())),
        }
        if mutual:
            cases["revoked"] = dial(self._mutual("REVOKED"), self._context(mutual))
            cases["wrong CN"] = dial(self._mutual("OTHER"), self._context(mutual))
        return cases

    def _mutual(self, name: str) -> Security:
        certificate, key = SecretRef("file", f"{name}0"), SecretRef("file", f"{name}1")
        return Security(3, trusted_ca=TRUSTED, certificate=certificate, private_key=key)

    def _context(self, mutual: bool) -> ssl.SSLContext:
        context = self._papers.server(mutual=mutual)
        if mutual:
            context.load_verify_locations(self._crl)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        return context

    async def _dial(self, security: Security, version: str, context: ssl.SSLContext | None, scheme: str | None) -> str:
        password = PASSWORD if security.profile in (1, 2) else None
        name = "SN-3" if security.profile == 3 else None
        async with SimulatedCsms("csms", version, password=password, ssl=context, certificate_name=name) as csms:
            url = csms.url.replace("127.0.0.1", "localhost")
            url = url if scheme is None else f"{scheme}:{url.partition(':')[2]}"
            declared = Backend("csms", url, (version,), security)
            before = len(csms.connections)
            try:
                request = DialRequest("CP1", DesiredLeg(declared, PRIMARY), version)
                leg = await self._dialer.dial(request, NobodyListens())
            except DialFailed as failed:
                return _told(failed)
            leg.close(1000, "done")
            assert len(csms.connections) > before
            return ACCEPTED


def _told(failed: DialFailed) -> str:
    if failed.status is not None:
        return str(failed.status)
    undialled = ("needs a wss:// URL", "but no password", "but no certificate")
    return "not dialled" if any(words in failed.reason for words in undialled) else "TLS"


async def measured() -> str:
    """Return the document, measured now."""
    with tempfile.TemporaryDirectory() as folder:
        async with _legs(Path(folder)) as legs:
            tables = [HEADER]
            for title, leg in legs.items():
                tables.append(f"## {title}\n\n{await _table(leg)}")
    return "\n".join(tables)


async def _table(leg: StationLeg | CsmsLeg) -> str:
    rows = [("profile", "version", *CREDENTIALS), ("---",) * (2 + len(CREDENTIALS))]
    for profile in PROFILES:
        for version in sorted(OCPP_VERSIONS):
            cases = leg.cases(profile, version)
            cells = [await cases[name]() if name in cases else NOT_APPLICABLE for name in CREDENTIALS]
            rows.append((str(profile), version.removeprefix("ocpp"), *cells))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


@asynccontextmanager
async def _legs(folder: Path) -> AsyncIterator[dict[str, StationLeg | CsmsLeg]]:
    """Run a relay with both doors and a charger of each profile, and one of each that had profile 3 before."""
    authority = Authority("fwdctl test CA")
    papers = Papers(authority, folder)
    revoked = authority.issue("SN-3")
    ca, crl = folder / "ca.pem", folder / "crl.pem"
    ca.write_bytes(authority.pem)
    crl.write_bytes(authority.revoke(revoked[0]))
    tls = StationTls(TlsFiles((authority.server_files(folder, "localhost"),), ca, crl))
    async with AsyncExitStack() as stack:
        csms = await stack.enter_async_context(SimulatedCsms("a"))
        running = await stack.enter_async_context(relay({"PASSWORD": PASSWORD, "CA": authority.pem}))
        running.node.restore(ChargerMemory(f"was{profile}", profile=3) for profile in PROFILES)
        for profile in PROFILES:
            security = Security(profile, password=KNOWN, trusted_ca=TRUSTED)
            for name in (f"cp{profile}", f"was{profile}"):
                declared = charger(name, [(backend("a", csms.url), PRIMARY)], security=security)
                serial = f"SN-{profile}" if name.startswith("cp") else None
                await running.run(replace(declared, serial_number=serial))
        door = StationListener(running.node, host="127.0.0.1", port=0, tls=tls.context)
        await door.start()
        stack.push_async_callback(door.stop)
        yield {
            "Station leg": StationLeg(running, door.port, papers, revoked),
            "CSMS leg": CsmsLeg(papers, authority.issue("SN-3"), revoked),
        }
