"""The door of the admin API: its socket, bound before anything else is started, and who may be let near it."""

import ipaddress
import socket
import ssl
from pathlib import Path

from reconciler.errors import FwdctlError


def bind_admin(host: str, port: int, *, token: str | None, tls: tuple[Path, Path] | None = None) -> socket.socket:
    """Return a socket listening on `host` and `port` (0: any free one), not yet answering.

    Raises FwdctlError where the address is taken or not ours, where the files of `tls` can't be used, and where it can
    be reached from other machines while there is no `token` or no `tls`.
    """
    if tls is not None:
        _check_tls(*tls)
    if token is None and not is_loopback(host):
        raise FwdctlError(
            f"the admin API would be open to everybody on {host}",
            hint="set FWDCTL_ADMIN_TOKEN (or write admin-token, mode 0600, in the data directory), "
            "or bind to 127.0.0.1",
        )
    if tls is None and not is_loopback(host):
        raise FwdctlError(
            f"tokens would cross the network in the clear to the admin API on {host}",
            hint="give --admin-tls-cert and --admin-tls-key, or bind to 127.0.0.1 and put a TLS proxy before it",
        )
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise FwdctlError(
            f"the admin API can't listen on {host}:{port}: {error.strerror}",
            hint="another process has it, or the address is not of this machine: --admin HOST:PORT",
        ) from error


def _check_tls(certificate: Path, key: Path) -> None:
    try:
        if key.stat().st_mode & 0o007:
            raise FwdctlError(f"everybody on this machine may read the private key {key}", hint=f"chmod 600 {key}")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=b"")
    except (OSError, ValueError) as error:
        raise FwdctlError(
            f"the admin API's certificate {certificate} and private key {key} can't be used",
            hint="both must be PEM files that the server may read, belong to each other, and be unencrypted",
        ) from error


def is_loopback(host: str) -> bool:
    """Return True where `host` can be reached from this machine only; a name other than localhost can't be."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
