"""One WebSocket leg: frames in and out of a transport, in its callbacks; no task, and one timer that does all waiting.

                begin             close, failure, the peer's close
    (created) ────────> open ──────────────────────────────────────> closing ──> connection_lost ──> sink.leg_closed
                         │                                              │
              timer: keep-alive                            timer: transport.abort

`leg_closed` comes from `connection_lost` alone: exactly once, and never from inside `send` or `close`.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final, cast

import structlog
from websockets.frames import EXTERNAL_CLOSE_CODES, CloseCode, Frame, Opcode
from websockets.protocol import Side, State

from reconciler.adapters.websocket.limits import WebSocketLimits
from reconciler.adapters.websocket.text_frames import frame_size, text_frame, whole_text
from reconciler.adapters.websocket.wire import Wire, half_close
from reconciler.app.legs import LegSink

_MAX_REASON_BYTES: Final = 123
"""RFC 6455: a control frame holds 125 bytes, two of them the code."""

_HEAD_BYTES_MAX: Final = 14
"""RFC 6455: two bytes, eight more of length, four of mask."""

_TEXT: Final = Opcode.TEXT
_CONTINUATION: Final = Opcode.CONT
_BINARY: Final = Opcode.BINARY
_OPEN: Final = State.OPEN

_log = structlog.get_logger(__name__)


class NobodyListens:
    """The sink of a leg that is opened only to be closed."""

    def frame_received(self, frame: bytes) -> None:
        """Drop the frame."""

    def leg_closed(self, code: int, reason: str) -> None:
        """Have nothing to do."""


class WebSocketLeg:
    """Implements `app.legs.Leg` on a transport whose opening handshake `wire` has completed.

    An asyncio.Protocol by its methods, not by inheritance: so it can be compiled, with every attribute a plain slot.
    """

    __deletable__ = ("_transport",)

    __slots__ = (
        "_awaited",
        "_backlog",
        "_closing",
        "_end",
        "_gone",
        "_heard",
        "_limits",
        "_masks",
        "_message",
        "_partial",
        "_ping_interval_s",
        "_plain",
        "_sink",
        "_timer",
        "_transport",
        "_wire",
        "subprotocol",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        wire: Wire,
        subprotocol: str | None,
        limits: WebSocketLimits,
        *,
        ping_interval_s: float,
        gone: Callable[["WebSocketLeg", int | None], None] | None = None,
    ) -> None:
        """Take the transport over from the handshake.

        `gone` is told, before the sink, that the leg is no more; with the code where this side ended it.
        """
        self.subprotocol = subprotocol
        self._transport = transport
        self._wire = wire
        self._limits = limits
        self._ping_interval_s = ping_interval_s
        self._gone = gone
        self._sink: LegSink | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._message: bytearray | None = None  # fragments so far; `wire` bounds their sum
        self._masks = wire.side is Side.CLIENT  # what it sends; its peer does just when it does not
        self._plain = not wire.extensions
        self._backlog = b""  # read, and waiting for this leg's next turn
        self._partial: bytearray | None = None  # a frame of which `_awaited` bytes have to be there
        self._awaited = 0
        self._heard = True  # any byte since the timer last looked
        self._closing = False
        self._end: tuple[int, str] | None = None  # why, where this side decided it
        transport.set_protocol(cast(asyncio.Protocol, self))

    # app.legs.Leg

    @property
    def unsent_bytes(self) -> int:
        """Bytes accepted by `send` that the peer's socket has not taken yet."""
        return 0 if self._wire.state is State.CLOSED else self._transport.get_write_buffer_size()

    def send(self, frame: bytes) -> None:
        """Send one text message; never blocks, never raises, does nothing once the leg is closing."""
        if self._end is not None or self._wire.state is not _OPEN:
            return
        if self._plain:
            self._write(text_frame(frame, masked=self._masks))
        else:
            self._wire.send_text(frame)
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake (bounded in time); no frame reaches the sink any more.

        The peer reads 1011 for a code that may not be sent (1005, 1006 ...), and at most 123 bytes of `reason`.
        """
        if self._end is not None:
            return
        self._end = (code, reason)
        if self._wire.state is _OPEN:
            self._wire.send_close(_sendable(code), _clipped(reason))
            self._flush()

    # The handshake's side

    def begin(self, sink: LegSink, early: bytes = b"") -> None:
        """Start to deliver to `sink`, but not before the caller has returned; `early` came in behind the handshake."""
        self._sink = sink
        if self._ping_interval_s and not self._closing:
            # Not all at once: after a restart thousands of legs begin together.
            self._wait(self._ping_interval_s * random.uniform(0.5, 1.0), self._keep_alive)
        if early:
            self._backlog = early
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._next_turn)
        else:
            self._transport.resume_reading()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Handle what the peer sent, `turn_bytes` at a time."""
        self._heard = True
        if not self._backlog:
            if len(data) <= self._limits.turn_bytes:
                self._parse(data)
                return
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._backlog += data

    def eof_received(self) -> None:
        """Take the end of what the peer sends; the transport closes by itself."""
        self._parse_rest()
        self._wire.receive_eof()
        if self._wire.writes:
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the sink, once, and let go of everything."""
        if self._timer is not None:
            self._timer.cancel()
        self._closing = True
        self._parse_rest()
        self._wire.receive_eof()
        self._wire.parser.close()  # it holds the wire, and the wire holds it
        code, reason = self._verdict(exc)
        sink, self._sink = self._sink, None
        gone, self._gone = self._gone, None
        del self._transport  # a TLS transport keeps its protocol
        if gone is not None:
            gone(self, None if self._peer_ended() or code == CloseCode.ABNORMAL_CLOSURE else code)
        if sink is not None:
            try:
                sink.leg_closed(code, reason)
            except Exception:  # noqa: BLE001 -- one session's fault must not reach the loop
                _log.exception("a session failed on the end of its leg")

    # Frames in

    def _next_turn(self) -> None:
        size = self._limits.turn_bytes
        data, self._backlog = self._backlog[:size], self._backlog[size:]
        if not data:  # the connection ended in between
            return
        if self._backlog:
            asyncio.get_running_loop().call_soon(self._next_turn)
        else:
            self._transport.resume_reading()
        self._parse(data)

    def _parse_rest(self) -> None:
        data, self._backlog = self._backlog, b""
        if data:
            self._parse(data)
        partial, self._partial = self._partial, None
        if partial:
            self._feed_wire(bytes(partial))

    def _parse(self, data: bytes) -> None:
        """Read frame by frame; the last one waits where it is not whole yet."""
        if self._partial is not None:
            self._partial += data
            if len(self._partial) < self._awaited:
                return
            data, self._partial = bytes(self._partial), None
        at, end = 0, len(data)
        while at < end:
            size = frame_size(data, at)
            if size > self._limits.max_message_bytes + _HEAD_BYTES_MAX:
                size = end - at  # websockets ends the leg over its head
            if not size or at + size > end:
                self._partial, self._awaited = bytearray(data[at:]), size
                return
            self._read(data[at : at + size])
            at += size

    def _read(self, frame: bytes) -> None:
        wire = self._wire
        if self._message is None and self._end is None and wire.state is _OPEN:
            text = whole_text(frame, masked=not self._masks)
            if text is not None and len(text) <= self._limits.max_message_bytes:
                self._deliver(text)
                return
        self._feed_wire(frame)

    def _feed_wire(self, data: bytes) -> None:
        wire = self._wire
        if wire.reader.eof:
            return
        wire.receive_data(data)
        if wire.writes:
            self._flush()
        for event in wire.events_received():
            if self._end is not None:  # once closing, what the peer still says is not heard
                return
            self._take(cast(Frame, event))

    def _take(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is _TEXT:
            if frame.fin:
                self._deliver(bytes(frame.data))
            else:
                self._message = bytearray(frame.data)
        elif opcode is _CONTINUATION and self._message is not None:
            self._message += frame.data
            if frame.fin:
                message, self._message = bytes(self._message), None
                self._deliver(message)
        elif opcode is _BINARY:
            self.close(CloseCode.UNSUPPORTED_DATA, "OCPP messages are text, not binary")

    def _deliver(self, message: bytes) -> None:
        if not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError as error:
                self.close(CloseCode.INVALID_DATA, f"text that is not UTF-8 at byte {error.start}")
                return
        if self._sink is None:
            return
        try:
            self._sink.frame_received(message)
        except Exception:  # noqa: BLE001 -- one session's fault must not reach the loop
            _log.exception("a session failed on a frame")
            self.close(CloseCode.INTERNAL_ERROR, "internal error")

    # Bytes out

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if not transport.is_closing():
            transport.write(data)
        if transport.get_write_buffer_size() > self._limits.max_unsent_bytes:
            self._cut_off()

    def _flush(self) -> None:
        transport = self._transport
        for data in self._wire.data_to_send():
            if data:
                self._write(data)
            elif not transport.is_closing():
                self._end_output()
        if self._wire.state is not _OPEN and not self._closing:
            self._closing = True
            self._wait(self._limits.close_timeout_s, transport.abort)

    def _end_output(self) -> None:
        # Where input is still unread, closing a socket resets it, and the peer may never see our close frame. So
        # close only this half; TLS has no half-close, there a peer that may still be sending gets a moment instead.
        transport = self._transport
        if half_close(transport):
            return
        if self._wire.close_rcvd is not None or self._wire.reader.eof:
            transport.close()
        else:
            asyncio.get_running_loop().call_later(self._limits.linger_s, transport.close)

    def _cut_off(self) -> None:
        if self._end is None:
            size = self._transport.get_write_buffer_size()
            self._end = (CloseCode.TRY_AGAIN_LATER, f"the peer does not read: {size} bytes unsent")
        self._transport.abort()

    # Waiting

    def _wait(self, delay_s: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, then)

    def _keep_alive(self) -> None:
        if self._heard:
            self._heard = False
            self._wait(self._ping_interval_s, self._keep_alive)
            return
        self._wire.send_ping(b"")
        self._wait(self._limits.ping_timeout_s, self._check_alive)
        self._flush()

    def _check_alive(self) -> None:
        if self._heard:
            self._keep_alive()
            return
        self.close(CloseCode.INTERNAL_ERROR, f"silent for {self._limits.ping_timeout_s:g} s after a ping")
        self._wait(self._limits.linger_s, self._transport.abort)

    # The end

    def _verdict(self, exc: Exception | None) -> tuple[int, str]:
        wire = self._wire
        if wire.close_rcvd is not None and self._peer_ended():
            return int(wire.close_rcvd.code), wire.close_rcvd.reason
        if self._end is not None:
            return int(self._end[0]), self._end[1]
        if wire.close_sent is not None:  # websockets found a violation
            return int(wire.close_sent.code), wire.close_sent.reason
        why = "connection ended without a closing handshake" if exc is None else f"connection lost: {exc}"
        return int(CloseCode.ABNORMAL_CLOSURE), why

    def _peer_ended(self) -> bool:
        return self._wire.close_rcvd is not None and bool(self._wire.close_rcvd_then_sent)


def _sendable(code: int) -> int:
    return code if code in EXTERNAL_CLOSE_CODES or 3000 <= code < 5000 else CloseCode.INTERNAL_ERROR


def _clipped(reason: str) -> str:
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
