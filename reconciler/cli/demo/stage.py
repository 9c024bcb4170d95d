"""The stage: server, back-ends and chargers together, and the few things that acts do with them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.cli.demo import witness
from reconciler.cli.demo.checks import Checks
from reconciler.cli.demo.depot import PATIENCE_S, Backends, back_ends, stations
from reconciler.cli.demo.examples import SiteCopy, example
from reconciler.cli.demo.processes import Said, Server, child_environ
from reconciler.cli.demo.screen import Screen
from reconciler.errors import FwdctlError
from reconciler.testing import CallFailed, SimulatedCsms, SimulatedStation

EXAMPLE: Final = "02-flip"
UNSEEN: Final = ", unseen by the charger"


@dataclass
class Stage:
    """What stands on it; set by `set_up`, except for the chargers, which come when they are called."""

    screen: Screen
    checks: Checks
    server: Server
    site: SiteCopy
    backends: Backends
    stack: AsyncExitStack
    fleet: Mapping[str, SimulatedStation] = field(default_factory=dict)
    """Identity -> charger."""

    @classmethod
    async def set_up(cls, directory: Path, screen: Screen, checks: Checks, stack: AsyncExitStack) -> "Stage":
        """Return two back-ends, a server that knows nothing, and a copy of the example to edit.

        All of it stands until `stack` unwinds. Raises FwdctlError where the server does not start.
        """
        site = SiteCopy(example(EXAMPLE), directory)
        ports = site.backend_ports()
        backends = await stack.enter_async_context(back_ends(ports))
        for csms in backends.both:
            screen.say(f"{csms.name} listens at {csms.url}")
            if csms.port != ports[csms.name]:
                site.replace(f":{ports[csms.name]}/", f":{csms.port}/")
                screen.say(
                    f"(port {ports[csms.name]} is taken: the copy of site.yaml that is used here says {csms.port})"
                )
        server = Server(directory, child_environ(colour=screen.colour, columns=screen.columns))
        await stack.enter_async_context(server)
        screen.say(f"fwdctl serve: chargers at {server.stations_url}/<identity>, admin API at {server.url}")
        return cls(screen, checks, server, site, backends, stack)

    async def bring_chargers(self) -> None:
        """Connect the chargers, and return when both back-ends have registered each of them."""
        self.fleet = await self.stack.enter_async_context(stations(self.server.stations_url))
        for csms in self.backends.both:
            for identity in self.fleet:
                await csms.wait_for("BootNotification", identity=identity, timeout_s=PATIENCE_S)

    async def run(self, *arguments: str, beginning: str = "") -> None:
        """Run a verb and show what it says, from the line `beginning` so; raises FwdctlError where it fails."""
        said = await self.server.fwdctl(*arguments)
        self.screen.command(arguments, said, beginning)
        _succeeded(arguments, said)

    async def ask(self, *arguments: str) -> Any:
        """Return what a verb says as JSON, without showing it; raises FwdctlError where it fails."""
        said = await self.server.fwdctl(*arguments, "--json")
        _succeeded(arguments, said)
        return json.loads(said.text)

    async def refuses(self, csms: SimulatedCsms, identity: str, action: str, payload: dict[str, Any]) -> None:
        """Have a back-end send a command that is to be refused."""
        told = await self._command(csms, identity, action, payload)
        self.checks.expect(f"{action} of {csms.name} to {identity}", f"Rejected{UNSEEN}", told)

    async def obeys(self, csms: SimulatedCsms, identity: str, action: str, payload: dict[str, Any]) -> None:
        """Have a back-end send a command that the charger is to carry out, and wait until it has."""
        told = await self._command(csms, identity, action, payload)
        self.checks.expect(f"{action} of {csms.name} to {identity}", "Accepted", told)
        await self.fleet[identity].settle()

    async def _command(self, csms: SimulatedCsms, identity: str, action: str, payload: dict[str, Any]) -> str:
        """Return and tell what became of a command: the status it got, and whether the charger saw it."""
        seen = len(self.fleet[identity].commands)
        try:
            status = str((await csms.call(identity, action, payload)).get("status"))
        except CallFailed as refusal:
            status = refusal.code
        told = status if len(self.fleet[identity].commands) > seen else status + UNSEEN
        self.screen.say(f"{csms.name} sends {action} to {identity}: {told}")
        return told

    def exchanges(self, identity: str) -> list[witness.Exchange]:
        """Return the calls of a charger so far, and who answered them."""
        return witness.exchanges(self.fleet[identity], self.backends.both)

    def calls_made(self) -> Mapping[str, int]:
        """Return identity -> how many calls it has made so far: a mark in time."""
        return {identity: len(self.exchanges(identity)) for identity in self.fleet}


def _succeeded(arguments: Sequence[str], said: Said) -> None:
    if said.code != 0:
        raise FwdctlError(f"fwdctl {arguments[0]} exited with {said.code}: {said.text.strip()}")
