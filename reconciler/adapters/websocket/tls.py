"""TLS towards CSMSs: the context of a set of credentials, and what a failure means in words."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_SELF_SIGNED: Final = (18, 19)
_UNKNOWN_ISSUER: Final = (2, 20, 21)
_WRONG_NAME: Final = (62, 64)


class BadCredentials(ValueError):
    """Raised when a certificate, key or trusted CA can't be used; names which, and never shows it."""


def client_context(
    min_version: str,
    trusted_ca: bytes | None,
    certificate: bytes | None,
    private_key: bytes | None,
    additional_ca: bytes | None = None,
) -> ssl.SSLContext:
    """Return a context that verifies chain and host name, from PEM bytes.

    `trusted_ca` replaces the system's CAs, `additional_ca` adds to what is trusted; `certificate` and `private_key` are
    shown where both are given.
    Raises BadCredentials.
    """
    if trusted_ca is not None and not trusted_ca.strip():
        raise BadCredentials("the trusted CA is empty")  # which Python would read as: trust the system's
    try:
        context = ssl.create_default_context(cadata=None if trusted_ca is None else trusted_ca.decode("ascii"))
        if additional_ca is not None:
            context.load_verify_locations(cadata=additional_ca.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise BadCredentials("the trusted CA is no PEM certificate") from error
    context.minimum_version = _VERSIONS[min_version]
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a root that another one has signed is one, too
    if certificate is not None and private_key is not None:
        with _private_file(certificate + b"\n" + private_key + b"\n") as path:
            try:
                # The empty password keeps OpenSSL from asking for one on the terminal.
                context.load_cert_chain(path, password=b"")
            except (ssl.SSLError, ValueError) as error:
                raise BadCredentials(
                    "the client certificate and its private key do not load: both must be PEM, belong to each "
                    "other, and the key must not be encrypted"
                ) from error
    return context


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """Yield a path to `content`, for a library that reads only files: in memory, else readable by us alone."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        with os.fdopen(os.memfd_create("credentials"), "wb") as memory:
            memory.write(content)
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name


def failure_reason(error: ssl.SSLError, host: str) -> str:
    """Return why a TLS handshake with `host` failed, for a person."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
            return f"{host} does not speak TLS on this port"
        return f"TLS with {host} failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    code = error.verify_code
    if code in _WRONG_NAME:
        return f"certificate of {host} is for another name"
    if code == _EXPIRED:
        return f"certificate of {host} has expired"
    if code == _NOT_YET_VALID:
        return f"certificate of {host} is not valid yet"
    if code in _SELF_SIGNED:
        return f"certificate of {host} is self-signed, or signed by a CA that is not trusted"
    if code in _UNKNOWN_ISSUER:
        return f"certificate of {host} is signed by a CA that is not trusted"
    return f"certificate of {host} is not valid: {error.verify_message}"
