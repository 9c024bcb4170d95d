"""Every bound of the WebSocket legs, with its unit and its reason."""

import msgspec


class WebSocketLimits(msgspec.Struct, frozen=True):
    """Bounds of one listener or dialer; the defaults suit thousands of stations on one node."""

    max_message_bytes: int = 2**20
    """A larger message, also one made of fragments or inflated, ends the leg with 1009."""
    max_unsent_bytes: int = 4 * 2**20
    """What a peer that stopped reading may cost in memory; beyond it the leg is cut with 1013."""
    turn_bytes: int = 16 * 2**10
    """Read from one leg before the others have their turn, so that a flood slows only its sender."""
    max_handshake_bytes: int = 16 * 2**10
    """Request or response head; real ones are below 2 KiB."""
    max_handshakes: int = 2_000
    """Handshakes being read or decided at once; in a reconnect storm the rest is told to come back (503)."""
    max_handshakes_per_host: int = 500
    """Of those, from one address: whoever opens many and says nothing does not shut the door for the others."""
    max_connections: int = 20_000
    """Open station sockets; must stay below the process's file descriptors, each station needs several."""
    retry_after_s: int = 10
    """What a station is told to wait where the relay itself is the reason for a refusal."""
    handshake_timeout_s: float = 10.0
    """From an accepted or opened connection (TLS done) to a whole HTTP head."""
    admission_timeout_s: float = 60.0
    """For the relay to decide on a station; with passed-through credentials it dials a CSMS meanwhile."""
    connect_timeout_s: float = 10.0
    """For name resolution, TCP and TLS towards a CSMS."""
    ping_interval_s: float = 60.0
    """Silence after which a peer is pinged where nothing else is asked for; 0 for never."""
    ping_timeout_s: float = 30.0
    """Silence after a ping that ends the leg with 1011."""
    close_timeout_s: float = 5.0
    """For the closing handshake and the peer's end of TCP; then the connection is cut."""
    linger_s: float = 1.0
    """For a peer to read a last answer that it may not expect; then the connection is cut."""
    max_tls_contexts: int = 512
    """Cached TLS contexts; a back-end of security profile 3 needs one per charger."""
