"""Stations that lose their connection all at once and come back as stations do: at once, then with a random back-off.

    python -m bench.storm_stations PORT CHARGERS PASSWORDS

For each line `storm` on stdin all connections are cut and everybody comes back: TLS, the password, BootNotification.
One line of JSON then says how that went. Every station has a loopback address of its own, as behind its own router.
"""

import asyncio
import base64
import json
import random
import secrets
import ssl
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop
from websockets.frames import Frame, Opcode

BACK_OFF_S: Final = (1.0, 5.0)
ANSWER_WITHIN_S: Final = 60.0
BACK_WITHIN_S: Final = 600.0
_BOOT: Final = b'[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'


class Refused(Exception):
    """Raised with the HTTP status that answered."""


@dataclass(slots=True)
class Station:
    """One of them."""

    number: int
    password: bytes
    writer: asyncio.StreamWriter | None = field(default=None, repr=False)

    async def connect(self, port: int, tls: ssl.SSLContext) -> None:
        """Come in, and have the boot accepted."""
        own = f"127.{1 + self.number // 62500}.{self.number // 250 % 250}.{1 + self.number % 250}"
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, local_addr=(own, 0), limit=4096)
        try:
            writer.write(self._request())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101"):
                raise Refused(head.split(b" ", 2)[1].decode())
            writer.write(Frame(Opcode.TEXT, _BOOT).serialize(mask=True))
            await reader.readuntil(b"Accepted")
        except BaseException:
            writer.transport.abort()
            raise
        self.writer = writer

    def cut(self) -> None:
        """Lose the connection, without a word."""
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None

    def _request(self) -> bytes:
        identity = f"CP{self.number:05d}"
        login = base64.b64encode(identity.encode() + b":" + self.password).decode()
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        return (
            f"GET /ocpp/{identity} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
            f"Authorization: Basic {login}\r\n\r\n"
        ).encode()


async def storm(stations: list[Station], port: int, tls: ssl.SSLContext) -> dict[str, object]:
    """Cut every connection, let everybody come back, and return how that went."""
    loop, failures, back_at = asyncio.get_running_loop(), Counter[str](), list[float]()
    for station in stations:
        station.cut()
    began = loop.time()

    async def come_back(station: Station) -> None:
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    await station.connect(port, tls)
            except Refused as refused:
                failures[str(refused)] += 1
            except (OSError, EOFError, TimeoutError) as error:
                failures[type(error).__name__] += 1
            else:
                back_at.append(loop.time() - began)
                return
            await asyncio.sleep(random.uniform(*BACK_OFF_S))

    with suppress(TimeoutError):
        async with asyncio.timeout(BACK_WITHIN_S):
            await asyncio.gather(*(come_back(station) for station in stations))
    back_at.sort()
    return {
        "back": len(back_at),
        "half_s": back_at[len(back_at) // 2] if back_at else 0.0,
        "all_s": back_at[-1] if back_at else 0.0,
        "failures": failures,
    }


async def obey(port: int, stations: list[Station]) -> None:
    """Do what stdin says until it ends."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # the relay's work is what is measured
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await storm(stations, port, tls)), flush=True)
    for station in stations:
        station.cut()


def main() -> None:
    """Run as told on the command line."""
    port, count, passwords = sys.argv[1:]
    words = Path(passwords).read_bytes().split()
    stations = [Station(number, words[number]) for number in range(int(count))]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(obey(int(port), stations))


if __name__ == "__main__":
    main()
