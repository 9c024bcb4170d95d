"""A simulated CSMS: takes stations in, answers them honestly or as badly as told to, and records everything.

async with SimulatedCsms("partner", password="secret") as csms:
    ...                                              # a station, or a relay, connects to csms.url
    boot = await csms.wait_for("BootNotification")
    await csms.call("CP-1", "Reset", {"type": "Soft"})
"""

import asyncio
import itertools
import ssl as tls
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self
from weakref import WeakKeyDictionary

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from reconciler.testing.csms_answers import BilledTransaction, Books, CsmsAnswers2, CsmsAnswers16
from reconciler.testing.dialect import DIALECTS, subprotocols, timestamp
from reconciler.testing.handshake import Password, authentic, chosen_version, identity_in, shown_name
from reconciler.testing.manners import CsmsManners
from reconciler.testing.peer import MAX_FRAME_BYTES, Peer, PeerOptions, quiet
from reconciler.testing.recording import Closed, Journal, RecordedCall, RecordedConnection, Violation


class SimulatedCsms:
    """A CSMS on a port of its own.

    name                  what it is called in messages
    versions              the versions it speaks; the station's order decides
    port                  0: any free one, kept over stop and start
    password              one for all, or identity -> password; wrong or none is answered 401. May be changed
    identities            who may come, others are answered 404; None: everybody. May be changed
    ssl                   the context that makes it wss
    certificate_name      the CN that a client certificate must have, others are answered 403; None: any, or none
    first_transaction_id  what 1.6 transactions are numbered from
    boot_status           "Accepted", "Pending" or "Rejected"; to be changed in `books.boot_status`
    validate              check all payloads against the schemas; False for load: then meter values aren't booked either
    keep                  how many frames and calls to remember; None for all
    manners               how it behaves, well or badly; its fields may be changed at any time
    clock                 seconds since 1970
    """

    def __init__(
        self,
        name: str = "csms",
        versions: str | Sequence[str] = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6"),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        password: Password = None,
        identities: Collection[str] | None = None,
        ssl: tls.SSLContext | None = None,
        certificate_name: str | None = None,
        first_transaction_id: int = 1,
        heartbeat_interval_s: int = 300,
        boot_status: str = "Accepted",
        call_timeout_s: float = 30.0,
        compression: bool = False,
        ping_interval_s: float | None = None,
        validate: bool = True,
        keep: int | None = None,
        manners: CsmsManners | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.versions = subprotocols(versions if isinstance(versions, str) else tuple(versions))
        self.host = host
        self.port = port
        self.password = password
        self.identities = identities
        self.manners = manners or CsmsManners()
        self.journal = Journal(keep)
        self.books = Books(
            next_transaction_id=first_transaction_id,
            heartbeat_interval_s=heartbeat_interval_s,
            boot_status=boot_status,
            now=lambda: timestamp(clock()),
            journal=self.journal,
        )
        self._ssl = ssl
        self.certificate_name = certificate_name
        self._validate = validate
        self._call_timeout_s = call_timeout_s
        self._compression = "deflate" if compression else None
        self._ping_interval_s = ping_interval_s
        self._server: Server | None = None
        self._stopping = False
        self._stations: dict[str, Peer] = {}
        self._seen_ids: dict[str, set[str]] = {}
        self._handshakes: WeakKeyDictionary[ServerConnection, RecordedConnection] = WeakKeyDictionary()
        self._faults: list[BaseExceptionGroup[BaseException]] = []

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop on the same port again. Raises OSError where the port is taken."""
        self._stopping = False
        self._server = await serve(
            self._serve,
            self.host,
            self.port,
            process_request=self._admit,
            select_subprotocol=lambda _, offered: self._choose(offered),
            ssl=self._ssl,
            server_header=None,
            compression=self._compression,
            ping_interval=self._ping_interval_s,
            close_timeout=3,
            max_size=MAX_FRAME_BYTES,
            logger=quiet,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self, code: int = 1001, reason: str = "") -> None:
        """Close every connection and the port; harmless when repeated. What was recorded stays.

        Raises what a script in `manners.answers` raised.
        """
        server, self._server = self._server, None
        self._stopping = True
        if self.manners.handshake_held is not None:
            self.manners.handshake_held.set()  # or they would hold the port
        if server is not None:
            server.close(code=code, reason=reason)
            await server.wait_closed()
        if self._faults:
            raise self._faults.pop()

    # What it is asked about.

    @property
    def url(self) -> str:
        """The URL to which stations append their identity."""
        return f"{'ws' if self._ssl is None else 'wss'}://{self.host}:{self.port}/ocpp"

    @property
    def stations(self) -> Mapping[str, Peer]:
        """Identity -> connection, of those connected now."""
        return MappingProxyType(self._stations)

    @property
    def connections(self) -> list[RecordedConnection]:
        """Every handshake so far, refused ones too."""
        return self.journal.connections

    @property
    def calls(self) -> list[RecordedCall]:
        """Every CALL and SEND received so far, in order."""
        return list(self.journal.calls)

    @property
    def violations(self) -> list[Violation]:
        """The rules of OCPP-J that the other ends broke."""
        return self.journal.violations

    @property
    def transactions(self) -> dict[int | str, BilledTransaction]:
        """The transactions it learnt of, by id."""
        return self.books.transactions

    def raw(self, direction: Literal["received", "sent"], identity: str | None = None) -> list[bytes]:
        """Return the frames of one direction, byte for byte."""
        return self.journal.raw(direction, identity)

    async def wait_for(
        self, action: str, *, identity: str | None = None, after: int = -1, count: int = 1, timeout_s: float = 5.0
    ) -> RecordedCall:
        """Return the `count`th CALL of an action, waiting where needed.

        Only what came later than the frame numbered `after` counts. Raises TimeoutError.
        """
        return await self.journal.wait_for(action, identity=identity, after=after, count=count, timeout_s=timeout_s)

    async def wait_connected(self, identity: str, timeout_s: float = 5.0) -> Peer:
        """Wait until a station is connected and return its connection; raises TimeoutError."""
        return await self.journal.bell.until(
            lambda: self._stations.get(identity), timeout_s, lambda: f"{identity} to connect to {self.name}"
        )

    async def wait_disconnected(self, identity: str, timeout_s: float = 5.0) -> None:
        """Wait until a station isn't connected; raises TimeoutError."""
        await self.journal.bell.until(
            lambda: identity not in self._stations, timeout_s, lambda: f"{identity} to leave {self.name}"
        )

    async def until(self, fact: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until something about this CSMS is true, looking whenever a frame or a station came or went."""
        await self.journal.bell.until(fact, timeout_s, lambda: f"a fact about {self.name}")

    # What it does.

    def station(self, identity: str) -> Peer:
        """Return a station's connection; raises ConnectionError where there is none."""
        try:
            return self._stations[identity]
        except KeyError:
            there = ", ".join(sorted(self._stations)) or "nobody"
            raise ConnectionError(f"{identity} is not connected to {self.name}; {there} is") from None

    async def call(
        self,
        identity: str,
        action: str,
        payload: dict[str, Any],
        message_id: str | None = None,
        *,
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        """Send a command and return the payload of the station's answer.

        Raises CallFailed for a CALLERROR, CallInvalid where a payload doesn't fit its schema, TimeoutError,
        ConnectionError.
        """
        return await self.station(identity).call(action, payload, message_id=message_id, timeout_s=timeout_s)

    async def send_raw(self, identity: str, frame: str | bytes, *, text: bool = True) -> None:
        """Send a station one message as it is; `text` False: as a binary one."""
        await self.station(identity).send_raw(frame.encode() if isinstance(frame, str) else frame, text=text)

    async def drop(self, identity: str, code: int = 1000, reason: str = "") -> None:
        """Close a station's connection."""
        await self.station(identity).close(code, reason)

    def cut(self, identity: str) -> None:
        """Cut a station's connection without a word."""
        self.station(identity).abort()

    # Handshake.

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
        record = RecordedConnection(
            index=len(self.connections),
            identity=identity_in(request.path),
            path=request.path,
            offered=tuple(version.strip() for version in offered.split(",") if version.strip()),
            authorization=request.headers.get("Authorization"),
            headers=tuple(request.headers.raw_items()),
            certificate_name=shown_name(socket.transport.get_extra_info("peercert")),
        )
        self.connections.append(record)
        self._handshakes[socket] = record
        self.journal.bell.ring()
        if self.manners.handshake_held is not None:
            await self.manners.handshake_held.wait()
        refusal = self._refusal(record)
        if refusal is None:
            return None
        record.status, text = refusal
        response = socket.respond(record.status, f"{text}\n")
        if record.status == 401:
            response.headers["WWW-Authenticate"] = f'Basic realm="{self.name}"'
        self.journal.bell.ring()
        return response

    def _refusal(self, record: RecordedConnection) -> tuple[int, str] | None:
        if self._stopping:
            return 503, "stopping"
        if self.manners.refuse_status is not None:
            return self.manners.refuse_status, "refused as told"
        if not record.identity or (self.identities is not None and record.identity not in self.identities):
            return 404, "unknown charging station"
        if not authentic(record.identity, record.authorization, self.password):
            return 401, "wrong credentials"
        if self.certificate_name not in (None, record.certificate_name):
            return 403, "a certificate of somebody else"
        if self.manners.refuse_unknown_versions and chosen_version(record.offered, self.versions) is None:
            return 400, "no common version"
        return None

    def _choose(self, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        version = chosen_version(offered, self.versions)
        return None if version is None else Subprotocol(version)

    # A connection.

    async def _serve(self, socket: ServerConnection) -> None:
        record = self._handshakes.pop(socket)
        record.status, record.subprotocol = 101, socket.subprotocol
        if self.manners.close_on_connect is not None:
            await socket.close(*self.manners.close_on_connect)
        elif socket.subprotocol is None and record.offered:
            await socket.close(1002, "no common version")
        else:
            try:
                closed = await self._attend(socket, record)
                record.closed = replace(closed, asked_for=closed.asked_for or self._stopping)
            except BaseExceptionGroup as faults:
                self._faults.append(faults)
                raise
        if record.closed is None:
            record.closed = Closed(socket.close_code or 1006, socket.close_reason or "", asked_for=True)
        self.journal.bell.ring()

    async def _attend(self, socket: ServerConnection, record: RecordedConnection) -> Closed:
        identity = record.identity
        dialect = DIALECTS[socket.subprotocol or "ocpp1.6"]
        answers = CsmsAnswers16 if dialect.version == "1.6" else CsmsAnswers2
        options = PeerOptions(validate=self._validate, call_timeout_s=self._call_timeout_s)
        if self.manners.counting_message_ids:
            numbers = itertools.count(1)
            options = PeerOptions(self._validate, self._call_timeout_s, lambda: str(next(numbers)))
        peer = Peer(
            socket,
            dialect,
            answers(self.books, identity, dialect, self.manners, light=not self._validate),
            self.journal,
            self.manners,
            identity=identity,
            connection=record.index,
            seen_ids=self._seen_ids.setdefault(identity, set()),
            options=options,
        )
        older, self._stations[identity] = self._stations.get(identity), peer
        if older is not None:
            peer.violated("a second connection while one is open")
        self.journal.bell.ring()
        async with asyncio.TaskGroup() as group:
            if older is not None:
                group.create_task(older.close(1008, "replaced by a newer connection"))
            closed = await peer.run()
            if self._stations.get(identity) is peer:
                del self._stations[identity]
        return closed
