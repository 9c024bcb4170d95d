"""TLS of the stations' door: certificates from files, OCPP's mandatory suites, all reloaded while the door is open."""

import asyncio
import ssl
from pathlib import Path
from typing import Final

import msgspec
import structlog
from cryptography import x509

from reconciler.errors import FwdctlError

SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
"""The last two are TLS_RSA: without forward secrecy, and mandatory in OCPP for stations that know nothing better."""

WATCH_INTERVAL_S: Final = 30.0

_log = structlog.get_logger(__name__)


class TlsFiles(msgspec.Struct, frozen=True):
    """Where the door's certificates are; all PEM.

    `pairs` are certificate chain and private key, at most one pair of each key type: with RSA *and* ECDSA every
    station finds a suite. `station_ca` signs stations' certificates (security profile 3), `station_crl` takes them
    back: it needs a list of every CA in `station_ca` that issues.
    """

    pairs: tuple[tuple[Path, Path], ...]
    station_ca: Path | None = None
    station_crl: Path | None = None

    def all(self) -> tuple[Path, ...]:
        """Return every file, once per use."""
        extra = tuple(path for path in (self.station_ca, self.station_crl) if path is not None)
        return tuple(path for pair in self.pairs for path in pair) + extra


class StationTls:
    """The TLS context of the door as its files are now; give `context` to the listener."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files. Raises FwdctlError where one can't be used."""
        self._files = files
        self._stamps = _stamps(files)
        self._context = server_context(files)

    def context(self) -> ssl.SSLContext:
        """Return the context for the next connection."""
        return self._context

    def reload(self) -> bool:
        """Read the files again, for new connections; files that can't be used are logged, and the old ones stay."""
        self._stamps = _stamps(self._files)
        try:
            self._context = server_context(self._files)
        except FwdctlError as error:
            _log.error("certificates not reloaded", reason=error.summary, hint=error.hint)
            return False
        _log.info("certificates reloaded")
        return True

    async def watch(self, interval_s: float = WATCH_INTERVAL_S) -> None:
        """Reload whenever a file has changed, for ever."""
        while True:
            await asyncio.sleep(interval_s)
            if _stamps(self._files) != self._stamps:
                self.reload()


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a TLS context of `files`: TLS 1.2 at least, no renegotiation. Raises FwdctlError, naming the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(SUITES)
    key_types: dict[str, Path] = {}
    for certificate, key in files.pairs:
        key_type = _key_type(certificate)
        if key_type in key_types:
            raise FwdctlError(
                f"{key_types[key_type]} and {certificate} have keys of the same type, a server shows one of each",
                hint="give one RSA pair and one ECDSA pair",
            )
        key_types[key_type] = certificate
        _load_pair(context, certificate, key)
    if files.station_ca is not None:
        _load_authorities(context, files.station_ca)
        context.verify_mode = ssl.CERT_OPTIONAL  # a station of profile 2 has none; the admission knows who must
    if files.station_crl is not None:
        _load_authorities(context, files.station_crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        if key.stat().st_mode & 0o007:
            raise FwdctlError(f"everybody on this machine may read the private key {key}", hint=f"chmod 600 {key}")
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(certificate, key, password=b"")
    except (ssl.SSLError, ValueError) as error:
        raise FwdctlError(
            f"the certificate {certificate} and the private key {key} do not load",
            hint="both must be PEM, belong to each other, and the key must not be encrypted",
        ) from error
    except OSError as error:
        raise _unreadable(key, error) from error


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise FwdctlError(f"{path} holds no CA certificates and no revocation list in PEM") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _key_type(certificate: Path) -> str:
    try:
        return type(x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()).__name__
    except OSError as error:
        raise _unreadable(certificate, error) from error
    except ValueError as error:
        raise FwdctlError(f"{certificate} holds no certificate in PEM") from error


def _unreadable(path: Path, error: OSError) -> FwdctlError:
    hint = "correct the path, or let the server's user read it"
    return FwdctlError(f"{path} can't be read: {error.strerror}", hint=hint)


def _stamps(files: TlsFiles) -> tuple[tuple[int, int] | None, ...]:
    return tuple(_stamp(path) for path in files.all())


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
