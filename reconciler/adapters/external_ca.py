"""An external CA for stations, asked over HTTP: one POST a request, signed as notices are.

POST URL  {"format_version", "charger", "serial_number", "csr"}  ──> 200 {"certificateChain": "-----BEGIN ..."}
Fwdctl-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">      Idempotency-Key: the same for every try
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from reconciler import __version__
from reconciler.app.ports import Clock
from reconciler.app.signed_post import SIGNATURE, signature
from reconciler.errors import FwdctlError, NotIssued

FORMAT_VERSION: Final = "1.0"
SECRET_NAME: Final = "FWDCTL_STATION_ISSUER_SECRET"
_TIMEOUT_S: Final = 10.0
_ANSWER_MAX: Final = 64 * 1024


class ExternalCa:
    """Implements `CertificateAuthority`; `waits_s` are the pauses before further tries."""

    def __init__(self, url: str, secret: bytes, clock: Clock, *, waits_s: Sequence[float] = (1.0, 4.0)) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise FwdctlError(f"{url!r} is no URL of a CA", hint="--station-issuer development, or https://...")
        self._url = url
        self._secret = secret
        self._clock = clock
        self._waits_s = waits_s

    async def issue(self, request: str, charger: str, serial: str) -> str:
        """Return the signed chain; raises NotIssued where it is refused, or not to be had within three tries."""
        content = json.dumps(
            {"format_version": FORMAT_VERSION, "charger": charger, "serial_number": serial, "csr": request}
        ).encode()
        for wait_s in self._waits_s:
            try:
                return await self._post(content)
            except _TryAgain:
                await asyncio.sleep(wait_s)
        try:
            return await self._post(content)
        except _TryAgain as error:
            raise NotIssued(str(error)) from error

    async def _post(self, content: bytes) -> str:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"fwdctl/{__version__}",
            "Idempotency-Key": hashlib.sha256(content).hexdigest(),
            SIGNATURE: signature(self._secret, int(self._clock.now().timestamp()), content),
        }
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client:
                response = await client.post(self._url, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise _TryAgain(f"the CA can't be reached: {type(error).__name__}") from error
        if response.status_code >= 500:
            raise _TryAgain(f"the CA answered HTTP {response.status_code}")
        if response.status_code != 200:
            raise NotIssued(f"the CA refused: HTTP {response.status_code}")
        return _chain(response.content)


class _TryAgain(Exception):
    """Raised for what may be better in a moment."""


def _chain(content: bytes) -> str:
    try:
        read: Any = json.loads(content) if len(content) <= _ANSWER_MAX else None
    except ValueError:
        read = None
    chain = read.get("certificateChain") if isinstance(read, dict) else None
    if not isinstance(chain, str) or "-----BEGIN CERTIFICATE-----" not in chain:
        raise NotIssued("the CA answered without a certificateChain in PEM")
    return chain


def issuer_secret(environ: Mapping[str, str]) -> bytes:
    """Return the secret that requests are signed with, of the variable or of the file that another one names.

    Raises FwdctlError where there is none: a CA has to know who asks.
    """
    secret, file = environ.get(SECRET_NAME), environ.get(f"{SECRET_NAME}_FILE")
    try:
        value = secret.encode() if secret is not None else Path(file).read_bytes().strip() if file else b""
    except OSError as error:
        raise FwdctlError(f"{SECRET_NAME}_FILE can't be read: {error.strerror}") from error
    if not value:
        raise FwdctlError(
            "requests to the CA can't be signed: there is no secret",
            hint=f"set {SECRET_NAME}, or {SECRET_NAME}_FILE to a file's path",
        )
    return value
