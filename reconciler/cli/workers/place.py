"""A place: what one process does of a server that is several, and how it is told."""

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import msgspec

from reconciler.cli.settings import ServeSettings

FRONT = "front"


class Place(msgspec.Struct, frozen=True):
    """One process of several.

    Args:
        name: in logs and metrics.
        node: its name in the database.
        doors: the sockets that were opened for it, by what they are for: stations, stations_tls, admin, files.
        workers: the others whose metrics it shows; only the front does.
    """

    name: str
    node: str
    doors: Mapping[str, socket.socket] = msgspec.field(default_factory=dict)
    workers: Sequence[str] = ()

    @property
    def is_front(self) -> bool:
        """Return True for the one that talks to people."""
        return self.name == FRONT

    def orders(self, settings: ServeSettings) -> bytes:
        """Return what a process is told to take this place: one line, for a pipe and nobody else's eyes."""
        told = {
            "settings": settings.to_json(),
            "name": self.name,
            "node": self.node,
            "doors": {name: door.fileno() for name, door in self.doors.items()},
            "workers": list(self.workers),
        }
        return json.dumps(told).encode() + b"\n"

    @classmethod
    def told(cls, orders: bytes, opened: Callable[[int], socket.socket]) -> tuple[Self, ServeSettings]:
        """Return the place and the settings that were told; `opened` makes a socket of an inherited descriptor."""
        read: dict[str, Any] = json.loads(orders)
        doors = {name: opened(descriptor) for name, descriptor in read["doors"].items()}
        return cls(read["name"], read["node"], doors, tuple(read["workers"])), ServeSettings.from_json(read["settings"])
