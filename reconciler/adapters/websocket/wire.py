"""How websockets' Sans-I/O protocols are set up here: quiet, bounded, deflate only where asked for."""

import asyncio
import logging
from typing import Final

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

Wire = ServerProtocol | ClientProtocol

# At level DEBUG websockets logs every header, and with it the Authorization of stations and CSMSs.
_QUIET: Final = logging.getLogger("websockets.quiet")
_QUIET.setLevel(logging.WARNING)

_SETTINGS: Final = {"memLevel": 5}

# A fresh context for each message: an idle leg keeps no window, and broken context takeovers in the field do no harm.
STATION_DEFLATE: Final = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=12,
    compress_settings=_SETTINGS,
)
# The CSMS may keep its context: not every server that knows deflate knows how to do without.
_CSMS_DEFLATE: Final = ClientPerMessageDeflateFactory(client_no_context_takeover=True, compress_settings=_SETTINGS)


def half_close(transport: asyncio.Transport) -> bool:
    """End what this side sends, the other side goes on; False where the transport can't (TLS)."""
    if not transport.can_write_eof():
        return False
    try:
        transport.write_eof()
    except (OSError, RuntimeError):  # reset by the peer, which the loop has not told yet
        transport.abort()
    return True


def may_deflate(version: str) -> bool:
    """Tell whether OCPP wants compression in this version: 2.x does, 1.6 recommends against it."""
    return version.startswith("ocpp2")


def station_wire(max_message_bytes: int) -> ServerProtocol:
    """Return the protocol of a station leg before its handshake; extensions are chosen after admission."""
    return ServerProtocol(max_size=max_message_bytes, logger=_QUIET)


def csms_wire(uri: WebSocketURI, version: str, deflate: bool, max_message_bytes: int) -> ClientProtocol:
    """Return the protocol of a CSMS leg before its handshake; it offers `version` and nothing else."""
    return ClientProtocol(
        uri,
        subprotocols=[Subprotocol(version)],
        extensions=[_CSMS_DEFLATE] if deflate else None,
        max_size=max_message_bytes,
        logger=_QUIET,
    )
