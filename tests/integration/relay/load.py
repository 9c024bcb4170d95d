"""Light ends for many stations at once: they check nothing while they run, and note everything with its time."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

OCPP16 = [Subprotocol("ocpp1.6")]
COMMAND = "DataTransfer"


def compact(*frame: Any) -> str:
    """Write a frame."""
    return json.dumps(frame, separators=(",", ":"))


@dataclass(slots=True)
class Exchange:
    """One CALL of this end and its answer; times are the loop's."""

    identity: str
    action: str
    sent: float
    answered: float = 0.0
    answers: list[Any] = field(default_factory=list)
    """Payloads of CALLRESULTs; OCPP allows one."""


@dataclass(slots=True)
class Delivered:
    """A command as it arrived at a station."""

    identity: str
    sender: str
    number: str
    at: float


class LoadCsms:
    """A CSMS whose answers carry its name; each takes up to `slow_s`. Commands are numbered 1, 2, 3 per connection."""

    def __init__(self, name: str, slow_s: float = 0.03) -> None:
        self.name = name
        self.year = 2001 if name == "a" else 2002
        self.received: Counter[tuple[str, str]] = Counter()
        """(station, message id) -> how often that CALL arrived."""
        self.commands: list[Exchange] = []
        self.strays = 0
        """Answers to no command of ours."""
        self.closed: list[str] = []
        self.sockets: dict[str, ServerConnection] = {}
        self._open: dict[tuple[str, str], Exchange] = {}
        self._slow_s = slow_s
        self._random = random.Random(name)
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._attend, "127.0.0.1", 0, subprotocols=OCPP16, compression=None, ping_interval=None
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _attend(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        identity = socket.request.path.rpartition("/")[2]
        self.sockets[identity] = socket
        loop = asyncio.get_running_loop()
        async for raw in socket:
            frame = json.loads(raw)
            if frame[0] != 2:
                self._answered(identity, frame)
                continue
            self.received[identity, frame[1]] += 1
            answer = compact(3, frame[1], self._answer(frame[2], frame[3]))
            # Answers leave in the order of their delays; the relay has one call under way per leg anyway.
            loop.call_later(self._random.uniform(0, self._slow_s), self._send, socket, answer)
        self.closed.append(identity)

    def _send(self, socket: ServerConnection, text: str) -> None:
        task = asyncio.get_running_loop().create_task(socket.send(text))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _answer(self, action: str, payload: Any) -> Any:
        now = f"{self.year}-01-01T00:00:00Z"
        if action == "BootNotification":
            return {"status": "Accepted", "currentTime": now, "interval": 86400}
        if action == "Heartbeat":
            return {"currentTime": now}
        if action == COMMAND:
            return {"status": "Accepted", "data": f"{self.name} {payload['data']}"}
        return {}

    def _answered(self, identity: str, frame: Any) -> None:
        exchange = self._open.get((identity, frame[1]))
        if exchange is None:
            self.strays += 1
            return
        exchange.answered = asyncio.get_running_loop().time()
        exchange.answers.append(frame[2])

    def command(self, identity: str, number: int) -> None:
        """Send a station the command of that number."""
        exchange = Exchange(identity, str(number), asyncio.get_running_loop().time())
        self.commands.append(exchange)
        self._open[identity, str(number)] = exchange
        payload = {"vendorId": self.name, "data": str(number)}
        self._send(self.sockets[identity], compact(2, str(number), COMMAND, payload))


class LoadStation:
    """A station that calls at a steady pace, one call at a time, and obeys every command with an echo."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.calls: list[Exchange] = []
        self.delivered: list[Delivered] = []
        self.strays = 0
        """Answers to no call of ours, errors among them."""
        self.disconnects = 0
        self.socket: ClientConnection | None = None
        self._open: dict[str, Exchange] = {}
        self._idle = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def start(self, url: str) -> None:
        """Connect and boot."""
        self.socket = await connect(
            f"{url}/{self.identity}", subprotocols=OCPP16, compression=None, ping_interval=None, proxy=None
        )
        self._reader = asyncio.get_running_loop().create_task(self._read(self.socket))
        await self.call("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})

    async def stop(self) -> None:
        """Disconnect."""
        assert self.socket is not None
        assert self._reader is not None
        reader, self._reader = self._reader, None
        await self.socket.close()
        await reader

    async def call(self, action: str, payload: dict[str, Any]) -> None:
        """Make one call and wait for its answer."""
        assert self.socket is not None
        number = str(len(self.calls) + 1)
        exchange = Exchange(self.identity, action, asyncio.get_running_loop().time())
        self.calls.append(exchange)
        self._open[number] = exchange
        self._idle.clear()
        await self.socket.send(compact(2, number, action, payload))
        await self._idle.wait()

    async def speak(self, until_s: float, every_s: float) -> None:
        """Call every `every_s` seconds until the loop's time is `until_s`."""
        loop = asyncio.get_running_loop()
        due = loop.time() + random.Random(self.identity).uniform(0, every_s)
        while due < until_s:
            await asyncio.sleep(max(0.0, due - loop.time()))
            number = len(self.calls) + 1
            if number % 2:
                await self.call("Heartbeat", {})
            else:
                await self.call(COMMAND, {"vendorId": "station", "data": str(number)})
            due += every_s

    async def _read(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for raw in socket:
                frame = json.loads(raw)
                if frame[0] == 2:
                    sender, number = frame[3]["vendorId"], frame[3]["data"]
                    self.delivered.append(Delivered(self.identity, sender, number, loop.time()))
                    await socket.send(compact(3, frame[1], {"status": "Accepted", "data": f"{sender} {number}"}))
                    continue
                exchange = self._open.get(frame[1])
                if exchange is None or frame[0] != 3:
                    self.strays += 1
                    continue
                exchange.answered = loop.time()
                exchange.answers.append(frame[2])
                self._idle.set()
        except ConnectionClosed:
            pass
        if self._reader is not None:
            self.disconnects += 1
            self._idle.set()
