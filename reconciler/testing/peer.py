"""One end of one OCPP-J connection: records every frame, answers CALLs through the `ocpp` package, makes CALLs."""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ocpp.routing import create_route_map
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from reconciler.testing import frames
from reconciler.testing.dialect import CallInvalid, Dialect, check, legal_code
from reconciler.testing.frames import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, SEND, Envelope, Unreadable
from reconciler.testing.manners import Answer, CallFailed, Manners
from reconciler.testing.recording import Closed, Journal, RecordedCall

MAX_FRAME_BYTES = 8 * 1024 * 1024
"""The largest message that the simulated ends read."""

quiet = logging.getLogger("reconciler.testing")
"""The logger given to the libraries: broken frames are test cases here, not news for stderr."""
quiet.disabled = True


class Side:
    """Who answers behind a peer: methods marked `@answers(action)` are the actions it knows."""

    def received(self, call: RecordedCall) -> CallFailed | None:
        """Look at a CALL as it arrives; a CallFailed refuses it and is recorded as a violation."""
        return None

    def answer_raw(self, call: RecordedCall) -> dict[str, Any] | None:
        """Answer from the payload as received, where the package's renaming of keys would harm it; None: don't."""
        return None

    def answered(self, call: RecordedCall) -> None:
        """Learn that the answer to `call` was sent."""


@dataclass(frozen=True, slots=True)
class PeerOptions:
    """How a peer speaks. `validate` False also skips the package's checks: for load."""

    validate: bool = True
    call_timeout_s: float = 30.0
    next_id: Callable[[], str] = field(default=lambda: str(uuid.uuid4()))


class _Catcher:
    """Stands in for the socket of the package's ChargePoint, so that its answers can be recorded before they go out."""

    def __init__(self) -> None:
        self._said: list[str] = []

    async def send(self, message: str) -> None:
        self._said.append(message)

    def take(self) -> str | None:
        """Return what was said since the last time, None where that is nothing."""
        return self._said.pop() if self._said else None


class Peer:
    """One open WebSocket. `run` must be running; it returns when the connection is closed."""

    def __init__(
        self,
        socket: Connection,
        dialect: Dialect,
        side: Side,
        journal: Journal,
        manners: Manners,
        *,
        identity: str,
        connection: int = 0,
        seen_ids: set[str] | None = None,
        options: PeerOptions,
    ) -> None:
        self.dialect = dialect
        self.identity = identity
        self.side = side
        self._socket = socket
        self._connection = connection
        self._journal = journal
        self._manners = manners
        self._options = options
        self._seen_ids = set() if seen_ids is None else seen_ids
        self._pending: dict[str, asyncio.Future[Envelope]] = {}
        self._unawaited: set[str] = set()
        self._unanswered: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._calling = asyncio.Lock()
        self._either_direction = asyncio.Lock()
        self._answering = asyncio.Lock()
        self._asked_to_close = False
        self._package = _Catcher()
        self._point = dialect.point(identity, self._package, logger=quiet)
        self._point.route_map = create_route_map(side)
        if not options.validate:
            for route in self._point.route_map.values():
                route["_skip_schema_validation"] = True

    async def run(self) -> Closed:
        """Read until the connection closes and return how it did."""
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    while True:
                        self._take(await self._socket.recv(decode=False), group)
                except ConnectionClosed:
                    pass
                for task in self._tasks:
                    task.cancel()
        finally:
            gone = ConnectionError(f"{self.identity}: closed with {self._socket.close_code} before the answer came")
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(gone)
        return Closed(self._socket.close_code or 1006, self._socket.close_reason or "", self._asked_to_close)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a handshake; harmless when repeated."""
        self._asked_to_close = True
        await self._socket.close(code, reason)

    def abort(self) -> None:
        """Cut the connection without a word, as a pulled cable does (the other end sees 1006)."""
        self._asked_to_close = True
        self._socket.transport.abort()

    async def call(
        self, action: str, payload: dict[str, Any], *, message_id: str | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Send a CALL and return the payload of its CALLRESULT; own calls wait for each other.

        Raises CallFailed for a CALLERROR, CallInvalid where request or answer don't fit the schema, TimeoutError
        without an answer in time, ConnectionError where the connection closes first.
        """
        if self._options.validate:
            await check(self.dialect, CALL, action, payload)
        async with self._calling, self._line():
            message_id = self._options.next_id() if message_id is None else message_id
            raw = frames.dump(CALL, message_id, action, payload)
            answer = await self._exchange(message_id, action, raw, timeout_s or self._options.call_timeout_s)
        if answer.kind == CALLERROR:
            raise CallFailed(answer.code, answer.description, answer.payload)
        if self._options.validate:
            await self._check_answer(message_id, action, answer.payload)
        result: dict[str, Any] = answer.payload
        return result

    async def send(self, action: str, payload: dict[str, Any], *, message_id: str | None = None) -> None:
        """Send a SEND (2.1), which nobody answers; raises CallInvalid, ConnectionError."""
        if self._options.validate:
            await check(self.dialect, SEND, action, payload)
        message_id = self._options.next_id() if message_id is None else message_id
        await self._transmit(frames.dump(SEND, message_id, action, payload))

    async def send_raw(self, raw: bytes, *, text: bool = True) -> None:
        """Send one message exactly as given (`text` False: as a binary one); raises ConnectionError when closed."""
        envelope = frames.parse(raw)
        if isinstance(envelope.message_id, str):
            self._unawaited.add(envelope.message_id)
        await self._transmit(raw, text=text)

    async def _transmit(self, raw: bytes, *, text: bool = True) -> None:
        self._journal.note_frame(self._connection, self.identity, "sent", raw)
        try:
            await self._socket.send(raw, text=text)
        except ConnectionClosed as closed:
            raise ConnectionError(f"{self.identity}: {closed}") from None

    # What arrives.

    def _take(self, raw: bytes, group: asyncio.TaskGroup) -> None:
        frame = self._journal.note_frame(self._connection, self.identity, "received", raw)
        envelope = frames.parse(raw)
        if isinstance(envelope, Unreadable):
            self._spawn(group, self._refuse_unreadable(envelope, raw))
            return
        if envelope.kind not in (CALL, SEND):
            self._take_answer(envelope, raw)
            return
        call = RecordedCall(frame, envelope.message_id, envelope.action, envelope.payload, envelope.kind == SEND)
        self._journal.note_call(call)
        self._check_id(call)
        if not call.is_send:
            self._take_call(call, group)
        elif self.dialect.version != "2.1":
            self.violated(f"SEND in {self.dialect.version}", raw)

    def _take_call(self, call: RecordedCall, group: asyncio.TaskGroup) -> None:
        if self._unanswered:
            self.violated("a CALL while another is outstanding", call.raw)
        refusal = self.side.received(call)
        if refusal is not None:
            self.violated(refusal.description, call.raw)
        if not self._manners.silent and call.action not in self._manners.never_answer:
            self._unanswered.add(call.index)
            self._spawn(group, self._answer(call, refusal))

    def _spawn(self, group: asyncio.TaskGroup, work: Any) -> None:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _check_id(self, call: RecordedCall) -> None:
        key = json.dumps(call.message_id)
        if self._manners.unique_message_ids:
            if key in self._seen_ids:
                self.violated(f"message id {key} again", call.raw)
            self._seen_ids.add(key)

    def _take_answer(self, envelope: Envelope, raw: bytes) -> None:
        if envelope.kind == CALLRESULTERROR:
            self.violated(f"CALLRESULTERROR {envelope.code}: {envelope.description}", raw)
            return
        key = envelope.message_id if isinstance(envelope.message_id, str) else ""
        future = self._pending.pop(key, None)
        if future is not None and not future.done():
            future.set_result(envelope)
        elif key not in self._unawaited:
            self.violated("an answer nobody waits for", raw)

    def violated(self, rule: str, raw: bytes = b"") -> None:
        """Record that the other end broke a rule, and close where the manners say so."""
        self._journal.violate(rule, self.identity, raw)
        if self._manners.close_on_violation:
            closing = asyncio.get_running_loop().create_task(
                self.close(1002, rule.encode(errors="replace")[:120].decode(errors="ignore"))
            )
            self._tasks.add(closing)
            closing.add_done_callback(self._tasks.discard)

    # What is said in return.

    async def _answer(self, call: RecordedCall, refusal: CallFailed | None) -> None:
        try:
            async with self._line():
                await self._manners.pause(call.action)
                async with self._answering:
                    answer = await self._decide_safely(call) if refusal is None else self._framed(call, refusal)
                    if self._manners.handwriting is not None:
                        answer = self._manners.handwriting(answer)
                    self._unanswered.discard(call.index)
                    await self._transmit(answer)
        except ConnectionError:
            return  # whoever asked has left
        finally:
            self._unanswered.discard(call.index)
        call.answer = answer
        self._journal.bell.ring()
        self.side.answered(call)

    async def _decide_safely(self, call: RecordedCall) -> bytes:
        try:
            return await self._decide(call)
        except RecursionError:  # the package, like `json`, recurses into payloads
            return self._framed(call, CallFailed("InternalError", "nested too deeply"))

    async def _decide(self, call: RecordedCall) -> bytes:
        script = self._manners.answers.get(call.action)
        scripted: Answer | None = script(call) if callable(script) else script
        if scripted is not None:
            return self._framed(call, scripted)
        try:
            result = self.side.answer_raw(call)
            if result is None:
                return await self._by_package(call)
            if self._options.validate:
                await check(self.dialect, CALL, call.action, call.payload)
            return self._framed(call, result)
        except CallInvalid as wrong:
            self.violated(str(wrong), call.raw)
            return self._framed(call, CallFailed(wrong.code, str(wrong)))

    def _framed(self, call: RecordedCall, answer: Answer) -> bytes:
        if isinstance(answer, bytes):
            return answer
        if isinstance(answer, CallFailed):
            return frames.dump(CALLERROR, call.message_id, answer.code, answer.description[:255], answer.details)
        return frames.dump(CALLRESULT, call.message_id, answer)

    async def _by_package(self, call: RecordedCall) -> bytes:
        payload = {} if call.payload is None else call.payload  # legal in 1.6; the package's schemas don't think so
        await self._point.route_message(json.dumps([CALL, call.message_id, call.action, payload]))
        answer = self._package.take()
        if answer is None:
            # The package leaves actions of 2.1 that have no handler without an answer.
            known = call.action in self.dialect.actions
            return self._framed(call, CallFailed("NotImplemented" if known else "NotSupported", call.action))
        said = frames.parse(answer.encode())
        if isinstance(said, Envelope) and said.kind == CALLERROR:
            return self._refused_by_package(call, said)
        return answer.encode()

    def _refused_by_package(self, call: RecordedCall, said: Envelope) -> bytes:
        cause = said.payload.get("cause", said.description) if isinstance(said.payload, dict) else said.description
        if said.code not in ("NotImplemented", "NotSupported"):
            self.violated(f"{said.code}: {cause}", call.raw)
        return self._framed(call, CallFailed(legal_code(self.dialect, said.code), str(cause)))

    async def _refuse_unreadable(self, wrong: Unreadable, raw: bytes) -> None:
        self.violated(wrong.reason, raw)
        if wrong.kind not in (None, CALL):
            return  # broken answers and unknown types are dropped
        if wrong.message_id is None and self.dialect.version == "1.6":
            return  # 1.6 has no way to refuse a frame without an id
        message_id = "-1" if wrong.message_id is None else wrong.message_id
        code = legal_code(self.dialect, "FormatViolation") if wrong.kind == CALL else "RpcFrameworkError"
        try:
            await self._transmit(frames.dump(CALLERROR, message_id, code, wrong.reason, {}))
        except ConnectionError:
            pass  # it left before it could be told

    # What is asked.

    async def _exchange(self, message_id: str, action: str, raw: bytes, timeout_s: float) -> Envelope:
        future: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        self._pending[message_id] = future
        try:
            await self._transmit(raw)
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            self._unawaited.add(message_id)
            raise TimeoutError(f"{self.identity}: no answer to {action} within {timeout_s} s") from None
        finally:
            self._pending.pop(message_id, None)

    async def _check_answer(self, message_id: str, action: str, payload: Any) -> None:
        try:
            await check(self.dialect, CALLRESULT, action, payload)
        except CallInvalid as wrong:
            self.violated(str(wrong))
            if self.dialect.version == "2.1":  # where the receiver of a bad answer has to say so
                await self._transmit(frames.dump(CALLRESULTERROR, message_id, wrong.code, str(wrong)[:255], {}))
            raise

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[None]:
        if not self._manners.half_duplex:
            yield
            return
        async with self._either_direction:
            yield
