"""Opens CSMS legs as the charger would: URL, credentials, TLS, one subprotocol; failures in words."""

import asyncio
import errno
import os
import re
import socket
import ssl
from base64 import b64encode
from functools import lru_cache
from http import HTTPStatus
from typing import Final, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHeader, InvalidURI, NegotiationError
from websockets.frames import CloseCode
from websockets.uri import WebSocketURI, parse_uri

from reconciler.adapters.websocket.http_head import HeadTooLarge, phrase_of, split_head, status_of
from reconciler.adapters.websocket.identity import csms_url
from reconciler.adapters.websocket.leg import WebSocketLeg
from reconciler.adapters.websocket.limits import WebSocketLimits
from reconciler.adapters.websocket.tls import BadCredentials, client_context, failure_reason
from reconciler.adapters.websocket.wire import csms_wire, may_deflate
from reconciler.app.legs import DialFailed, DialRequest, LegSink
from reconciler.app.ports import Secrets
from reconciler.app.stored_passwords import is_hash
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import SecretRef

_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")


class WebSocketDialer:
    """Implements `app.legs.Dialer`. Secrets are resolved at each dial, so a changed one is used at the next."""

    def __init__(self, secrets: Secrets, limits: WebSocketLimits | None = None) -> None:
        self._secrets = secrets
        self._limits = limits or WebSocketLimits()
        self._context = lru_cache(self._limits.max_tls_contexts)(client_context)  # by content, so shared and fresh

    async def dial(self, request: DialRequest, sink: LegSink) -> WebSocketLeg:
        """Connect, and complete the handshake; raises DialFailed with a reason a person can act on.

        `sink` hears nothing before the caller has the leg, provided that it awaits this without a task between.
        """
        limits = self._limits
        uri = _uri(request)
        deflate = request.leg.backend.compression == "auto" and may_deflate(request.version)
        wire = csms_wire(uri, request.version, deflate, limits.max_message_bytes)
        opening = wire.connect()
        if (authorization := self._authorization(request)) is not None:
            opening.headers["Authorization"] = authorization
        wire.send_request(opening)
        handshake = await self._connect(uri, self._tls(request) if uri.secure else None)
        transport = handshake.transport
        try:
            early = await self._complete(wire, handshake, request, uri)
        except DialFailed:
            if (last := b"".join(wire.data_to_send())) and not transport.is_closing():
                transport.write(last)
            transport.close()
            raise
        except BaseException:
            transport.abort()
            raise
        leg = WebSocketLeg(transport, wire, wire.subprotocol, limits, ping_interval_s=limits.ping_interval_s)
        leg.begin(sink, early)
        if handshake.ended:
            asyncio.get_running_loop().call_soon(leg.eof_received)
        return leg

    async def _connect(self, uri: WebSocketURI, tls: ssl.SSLContext | None) -> "CsmsHandshake":
        limits = self._limits
        try:
            async with asyncio.timeout(limits.connect_timeout_s):
                _, handshake = await asyncio.get_running_loop().create_connection(
                    lambda: CsmsHandshake(limits.max_handshake_bytes),
                    uri.host,
                    uri.port,
                    ssl=tls,
                    server_hostname=uri.host if tls else None,
                    ssl_shutdown_timeout=limits.close_timeout_s if tls else None,
                )
        except TimeoutError as error:
            raise DialFailed(f"no connection to {_where(uri)} within {limits.connect_timeout_s:g} s") from error
        except (OSError, UnicodeError) as error:
            untrusted = isinstance(error, ssl.SSLCertVerificationError)
            raise DialFailed(_connection_reason(error, uri), untrusted=untrusted) from error
        return handshake

    async def _complete(
        self, wire: ClientProtocol, handshake: "CsmsHandshake", request: DialRequest, uri: WebSocketURI
    ) -> bytes:
        """Send the request and check the response; return what came behind it."""
        where = _where(uri)
        handshake.transport.write(b"".join(wire.data_to_send()))
        try:
            async with asyncio.timeout(self._limits.handshake_timeout_s):
                answer = await handshake.answer
        except TimeoutError as error:
            waited = f"{self._limits.handshake_timeout_s:g} s"
            raise DialFailed(f"{where} accepted the connection but sent no answer within {waited}") from error
        if isinstance(answer, ssl.SSLError):
            raise DialFailed(failure_reason(answer, uri.host)) from answer
        if isinstance(answer, HeadTooLarge):
            raise DialFailed(f"{where} answered with an {answer}") from answer
        if answer is None or isinstance(answer, Exception):
            guess = "; it may have refused the client certificate" if request.leg.backend.security.profile == 3 else ""
            raise DialFailed(f"{where} closed the connection without an answer{guess}") from answer
        if handshake.lost:
            raise DialFailed(f"{where} closed the connection as soon as it had accepted it")
        head, early = answer
        _check_response(wire, head, request.version, where)
        return early

    def _authorization(self, request: DialRequest) -> str | None:
        if request.leg.credentials == "passthrough":
            return request.authorization
        security = request.leg.backend.security
        if security.profile not in (1, 2):
            return None
        name = request.leg.backend.name
        if ":" in request.identity:
            raise DialFailed(f"identity {request.identity!r} holds a colon, which basic authentication can't carry")
        password = self._secret(security.password, request.identity)
        if password is None:
            raise DialFailed(f"back-end {name} has security profile {security.profile} but no password")
        if is_hash(password):
            raise DialFailed(
                f"password {security.password} of back-end {name} is a hash; a back-end needs the password"
            )
        if security.password_encoding == "hex":
            try:
                password = bytes.fromhex(password.decode("ascii"))
            except ValueError:  # without its cause, which would show the password
                raise DialFailed(f"password {security.password} of back-end {name} is not hexadecimal") from None
        return f"Basic {b64encode(request.identity.encode() + b':' + password).decode()}"

    def _tls(self, request: DialRequest) -> ssl.SSLContext:
        security = request.leg.backend.security
        certificate = private_key = None
        if security.profile == 3:
            certificate = self._secret(security.certificate, request.identity)
            private_key = self._secret(security.private_key, request.identity)
            if certificate is None or private_key is None:
                raise DialFailed(
                    f"back-end {request.leg.backend.name} has security profile 3 but no certificate and private key"
                )
        trusted_ca = self._secret(security.trusted_ca, request.identity)
        additional_ca = self._secret(security.additional_ca, request.identity)
        try:
            return self._context(security.min_tls_version, trusted_ca, certificate, private_key, additional_ca)
        except BadCredentials as error:
            raise DialFailed(f"TLS credentials of back-end {request.leg.backend.name}: {error}") from error

    def _secret(self, ref: SecretRef | None, identity: str) -> bytes | None:
        try:
            return None if ref is None else self._secrets.resolve(ref, identity)
        except SecretUnavailable as error:
            raise DialFailed(error.summary) from error


class CsmsHandshake(asyncio.Protocol):
    """Waits for the head of a CSMS's answer; then stops reading, so that the leg is the next to read."""

    __slots__ = ("_limit", "_received", "answer", "ended", "lost", "transport")

    transport: asyncio.Transport

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._received = b""
        self.ended = False
        """Whether the CSMS will send no more."""
        self.lost = False
        """Whether the connection is gone."""
        self.answer: asyncio.Future[tuple[bytes, bytes] | Exception | None] = asyncio.get_running_loop().create_future()
        """Head and what came behind it; else what went wrong, None for an ordinary end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Collect the head."""
        self._received += data
        try:
            split = split_head(self._received, self._limit)
        except HeadTooLarge as error:
            self._answer(error)
            return
        if split is not None:
            self.transport.pause_reading()
            self._answer(split)

    def eof_received(self) -> None:
        """Note the end; the transport closes by itself."""
        self.ended = True
        self._answer(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and why."""
        self.lost = True
        self._answer(exc)

    def _answer(self, answer: tuple[bytes, bytes] | Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


def _uri(request: DialRequest) -> WebSocketURI:
    backend = request.leg.backend
    try:
        uri = parse_uri(csms_url(backend.url, request.identity))
    except (InvalidURI, ValueError) as error:
        raise DialFailed(f"back-end {backend.name} has no usable URL: {error}") from error
    if backend.security.profile >= 2 and not uri.secure:
        raise DialFailed(f"security profile {backend.security.profile} of back-end {backend.name} needs a wss:// URL")
    uri.username = uri.password = None
    return uri


def _where(uri: WebSocketURI) -> str:
    return f"[{uri.host}]:{uri.port}" if ":" in uri.host else f"{uri.host}:{uri.port}"


def _check_response(wire: ClientProtocol, head: bytes, version: str, where: str) -> None:
    status = status_of(head)
    if status is None:
        raise DialFailed(f"{where} did not answer with HTTP")
    if status != HTTPStatus.SWITCHING_PROTOCOLS:
        note = " (redirects are not followed)" if 300 <= status < 400 else ""
        raise DialFailed(f"{where} refused the connection: HTTP {phrase_of(status)}{note}", status)
    wire.receive_data(head)
    wire.events_received()
    error = wire.handshake_exc
    if isinstance(error, NegotiationError):
        raise DialFailed(f"{where} was offered {version} and answered with something else: {error}")
    if error is not None:
        which = f": {error.name}" if isinstance(error, InvalidHeader) else ""
        raise DialFailed(f"{where} answered with an invalid WebSocket handshake{which}")
    if wire.subprotocol != version:
        wire.send_close(CloseCode.PROTOCOL_ERROR, f"subprotocol {version} was not agreed to")
        raise DialFailed(f"{where} was offered {version} and agreed to no subprotocol")


def _connection_reason(error: OSError | UnicodeError, uri: WebSocketURI) -> str:
    where = _where(uri)
    if isinstance(error, ssl.SSLError):
        return failure_reason(error, uri.host)
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"host name {uri.host} can't be resolved"
    # Where a name has several addresses, the loop packs what went wrong with each into one text.
    match = _ERRNO.search(str(error))
    code = (error.errno if isinstance(error, OSError) else None) or (int(match[1]) if match else None)
    if code == errno.ECONNREFUSED:
        return f"connection refused by {where}"
    if code in (errno.ECONNRESET, errno.EPIPE) or isinstance(error, ConnectionError):
        return f"{where} closed the connection {'during the TLS handshake' if uri.secure else 'at once'}"
    return f"{where} can't be reached: {os.strerror(code) if code else error}"
