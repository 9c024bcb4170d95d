"""WebSocket legs: the stations' listener and the dialer of CSMSs, on websockets' Sans-I/O core."""

from reconciler.adapters.websocket.dialer import WebSocketDialer
from reconciler.adapters.websocket.leg import WebSocketLeg
from reconciler.adapters.websocket.limits import WebSocketLimits
from reconciler.adapters.websocket.listener import StationListener
from reconciler.adapters.websocket.station_tls import StationTls, TlsFiles

__all__ = ["StationListener", "StationTls", "TlsFiles", "WebSocketDialer", "WebSocketLeg", "WebSocketLimits"]
