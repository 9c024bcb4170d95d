"""An HTTP connection to one server, kept open from call to call.

The standard library's, as every verb waits until its client has been loaded: that takes a quarter of the time that
larger clients take, and one connection to one server needs no more.
"""

import ipaddress
import select
import ssl
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.errors import FwdctlError


class ApiConnection:
    """Asks one server, through the proxy that the environment names for it; never for our own machine."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float, trusted: ssl.SSLContext | None) -> None:
        """Take a server's URL; `trusted` is whom to take for it, None: whom this system trusts.

        Raises ValueError where it is no URL, FwdctlError where its proxy can't be used.
        """
        server = _split(url)
        self._answer: HTTPResponse | None = None
        self._headers = {**_basic("Authorization", server), **headers}
        self._prefix = server.path.rstrip("/")
        proxy = _proxy_of(server)
        place = proxy or server
        if server.scheme == "https":
            context = trusted or ssl.create_default_context()
            self._http: HTTPConnection = HTTPSConnection(_host(place), place.port, timeout=timeout_s, context=context)
        else:
            self._http = HTTPConnection(_host(place), place.port, timeout=timeout_s)
        if proxy is not None and server.scheme == "https":
            self._http.set_tunnel(_host(server), server.port or 443, _basic("Proxy-Authorization", proxy))
        elif proxy is not None:
            self._headers |= _basic("Proxy-Authorization", proxy)
            self._prefix = f"http://{server.netloc.rpartition('@')[2]}{self._prefix}"

    def ask(self, method: str, target: str, body: bytes | None = None, content_type: str = "") -> HTTPResponse:
        """Return the answer to a request for `target`, its body still to be read.

        Raises OSError (TimeoutError among them) or HTTPException where there is none.
        """
        if self._is_spent():
            self._http.close()  # it is dialled anew
        headers = {**self._headers, "Content-Type": content_type} if content_type else self._headers
        try:
            self._http.request(method, self._prefix + target, body, headers)
            self._answer = self._http.getresponse()
        except BaseException:  # Ctrl-C, too: whatever comes later is no answer to what is asked next
            self._http.close()
            raise
        return self._answer

    def _is_spent(self) -> bool:
        """Tell whether the server has hung up, or has not been listened to until the end."""
        if self._http.sock is None:
            return False
        unread = self._answer is not None and not self._answer.isclosed()
        return unread or bool(select.select([self._http.sock], [], [], 0)[0])

    def close(self) -> None:
        """Hang up."""
        self._http.close()


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("it needs http:// or https://, and a host")
    return parts


def _host(parts: SplitResult) -> str:
    return parts.hostname or ""


def _basic(header: str, parts: SplitResult) -> dict[str, str]:
    """Return the header for the user and password that a URL names, nothing where it names none."""
    if parts.username is None:
        return {}
    said = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {header: f"Basic {b64encode(said.encode()).decode()}"}


def _proxy_of(server: SplitResult) -> SplitResult | None:
    """Return the proxy that the environment names for a server; a proxy has no way to our own machine."""
    host = _host(server)
    if _is_loopback(host):
        return None
    from urllib.request import getproxies, proxy_bypass  # here, as few servers are anywhere else

    proxies = getproxies()
    named = proxies.get(server.scheme) or proxies.get("all")
    if not named or proxy_bypass(f"{host}:{server.port}" if server.port else host):
        return None
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise FwdctlError(
            f"the proxy {proxy.scheme}://{proxy.hostname} can't be used for {host}: only http:// proxies can",
            hint=f"name another in {server.scheme}_proxy, or the host in no_proxy",
        )
    return proxy._replace(netloc=proxy.netloc if proxy.port else f"{proxy.netloc}:80")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
