"""Redaction: what a person may read of an OCPP payload; never an id token in full, a password, key or certificate."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

READ_MAX_BYTES: Final = 64 * 1024
"""A payload that is larger is not read at all."""
SHOWN_MAX: Final = 4_000
"""Characters shown of a payload."""
HIDDEN: Final = "(hidden)"

_DEPTH_MAX: Final = 40
_TOKEN_KEY: Final = re.compile(r"id_?(tag|token)(2|info)?$|parent_?id_?tag|group_?id_?token|emaid|evcc_?id", re.I)
_TOKEN_INSIDE: Final = frozenset({"idToken", "additionalIdToken"})
_SECRET: Final = re.compile(
    r"pass(word|wd|phrase)|secret|auth\w*key|private_?key|credential|\bpin\b|certificate(chain|s)?$|^csr$|signature"
    r"|signing_?cert|ocsp|exi_?(request|response)|serial_?number_?of_?key|hash_?data|challenge|apn.*(user|pass)",
    re.I,
)
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----")
_NAMES: Final = ("key", "name", "variable")
"""Keys beside a `value` or `attributeValue` that say what it is the value of."""
_VALUES: Final = ("value", "attributeValue")


def shown(payload: bytes) -> str:
    """Return a payload as it may be shown, on one line; never raises, whatever it is."""
    if len(payload) > READ_MAX_BYTES:
        return f"({len(payload)} bytes, not shown)"
    try:
        text = msgspec.json.encode(redacted(msgspec.json.decode(payload))).decode()
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return f"({len(payload)} bytes that can't be read)"
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}… ({len(text)} characters)"


def redacted(value: Any, key: str = "", depth: int = 0) -> Any:
    """Return JSON data with what nobody may read replaced; `key` is where it stands."""
    if depth > _DEPTH_MAX:
        return HIDDEN
    if isinstance(value, dict):
        return _object(value, key, depth)
    if isinstance(value, list):
        return [redacted(item, key, depth + 1) for item in value]
    return _leaf(value, key, depth)


def token_shown(token: str) -> str:
    """Return enough of an id token to tell two apart, and not enough to use it."""
    return f"…{token[-3:]}" if len(token) >= 8 else "…"


def _object(value: dict[str, Any], key: str, depth: int) -> dict[str, Any]:
    named = " ".join(_word(value.get(name)) for name in _NAMES)
    secret_value = bool(_SECRET.search(named))
    found = {}
    for inner, item in value.items():
        unnamed_key = inner == "key" and isinstance(item, str) and not value.keys() & {"value", "readonly"}
        if unnamed_key or (secret_value and inner in _VALUES):
            found[inner] = HIDDEN
        else:
            found[inner] = redacted(item, inner, depth + 1)
    return found


def _word(value: Any) -> str:
    if isinstance(value, dict):  # 2.x: "variable": {"name": "BasicAuthPassword"}
        value = value.get("name")
    return value if isinstance(value, str) else ""


def _leaf(value: Any, key: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _TOKEN_KEY.search(key) or key in _TOKEN_INSIDE:
        return token_shown(str(value))
    if _SECRET.search(key):
        return HIDDEN
    return _text(value, depth) if isinstance(value, str) else value


def _text(text: str, depth: int) -> str:
    """Return a text without a certificate in it, a URL without its password and query, JSON in it redacted too."""
    if _PEM.search(text):
        return HIDDEN
    if "://" in text:
        return _url(text)
    if text[:1] in "{[" and text[-1:] in "}]":
        try:
            return msgspec.json.encode(redacted(msgspec.json.decode(text), depth=depth + 1)).decode()
        except (msgspec.MsgspecError, RecursionError):
            return text
    return text


def _url(text: str) -> str:
    """Return where a URL leads; whoever knows one of a job knows its last part, so that is not shown."""
    try:
        parts = urlsplit(text)
        where = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return HIDDEN
    return f"{where}/…" if parts.path.strip("/") or parts.query else where
