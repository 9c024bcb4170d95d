"""A relay without sockets: it runs what it is told, on chargers that tests connect, refuse, slow and tamper with."""

import asyncio
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from reconciler.app.ports import Question
from reconciler.model.desired import LOCAL, DesiredCharger
from reconciler.model.live import (
    Ack,
    Deferred,
    LegPhase,
    LiveCharger,
    LiveLeg,
    LiveTransaction,
    Outcome,
    Refusal,
)
from reconciler.testing.waiting import Bell


class FakeRelay:
    """Implements `RelayPort`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        """(charger, generation) of every question, in order."""
        self.looked_at: list[int] = []
        """At how many chargers each look was, in order."""
        self.running_max = 0
        """The most questions that were open at once."""
        self.bell = Bell()
        """Rung whenever something was asked and answered, or looked at."""
        self.at_once = False
        """It answers before it lets the event loop go on, as a flip to `local` does."""
        self._running = 0
        self._live: dict[str, LiveCharger] = {}
        self._desired: dict[str, tuple[int, DesiredCharger]] = {}
        self._refusals: dict[str, str] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._broken: set[str] = set()
        self._away: dict[str, LegPhase] = {}

    async def set_desired(self, charger: str, generation: int, desired: DesiredCharger | None) -> Outcome:
        """Run it, defer it or refuse it."""
        self.asked.append((charger, generation))
        self.bell.ring()
        self._running += 1
        self.running_max = max(self.running_max, self._running)
        try:
            if charger in self._gates:
                await self._gates[charger].wait()
            elif not self.at_once:
                await asyncio.sleep(0)
            if charger in self._broken:
                raise ConnectionError("the relay node is gone")
            return self._take(charger, generation, desired)
        finally:
            self._running -= 1
            self.bell.ring()

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """Return all known chargers, or these."""
        self.looked_at.append(len(self._live) if only is None else len(only))
        self.bell.ring()
        return {name: live for name, live in self._live.items() if only is None or name in only}

    def names(self) -> Collection[str]:
        """Return all known chargers."""
        return self._live.keys()

    def questions(self, only: Collection[str] | None = None) -> Mapping[str, Question]:
        """Return nothing: nobody else asks."""
        return {}

    def connect(self, *chargers: str, version: str = "ocpp1.6") -> None:
        """Let stations connect; they run what was asked for last."""
        for name in chargers:
            self._live[name] = LiveCharger(name, connected=True, since_s=0.0, version=version)
            if name in self._desired:
                self._run(name, *self._desired[name])

    def disconnect(self, *chargers: str) -> None:
        """Let stations go."""
        for name in chargers:
            self._live[name] = LiveCharger(name, connected=False, since_s=1.0)

    def forget(self, charger: str) -> None:
        """Know a charger no more, as one that is not declared any longer."""
        del self._live[charger]

    def lose(self, backend: str, phase: LegPhase = LegPhase.DOWN) -> None:
        """Let every leg to a back-end go down, or to another phase in which it is of no use."""
        self._away[backend] = phase
        self._refresh()

    def regain(self, backend: str) -> None:
        """Let every leg to a back-end come back."""
        self._away.pop(backend, None)
        self._refresh()

    def begin_transaction(self, charger: str) -> None:
        """Open a transaction."""
        transaction = LiveTransaction("1", owner="partner", since_s=0.0)
        self._live[charger] = replace(self._live[charger], transactions=(transaction,))

    def end_transaction(self, charger: str) -> None:
        """Close it."""
        self._live[charger] = replace(self._live[charger], transactions=())

    def refuse(self, charger: str, reason: str) -> None:
        """Refuse what is asked of this charger from now on."""
        self._refusals[charger] = reason

    def accept(self, charger: str) -> None:
        """Refuse and break no longer."""
        self._refusals.pop(charger, None)
        self._broken.discard(charger)

    def break_down(self, charger: str) -> None:
        """Raise on every question about this charger."""
        self._broken.add(charger)

    def hold(self, charger: str) -> asyncio.Event:
        """Answer questions about this charger only once the returned event is set."""
        return self._gates.setdefault(charger, asyncio.Event())

    def tamper(self, charger: str, owner: str) -> None:
        """Give every feature to `owner`, as nobody asked."""
        session = self._live[charger]
        owners = dict.fromkeys(session.owners or {}, owner)
        self._live[charger] = replace(session, owners=owners)

    def owners(self, charger: str) -> set[str]:
        """Return who owns anything on this charger."""
        return set((self._live[charger].owners or {}).values())

    def _phase(self, backend: str) -> LegPhase:
        return self._away.get(backend, LegPhase.REGISTERED)

    def _refresh(self) -> None:
        for name, session in self._live.items():
            legs = tuple(replace(leg, phase=self._phase(leg.backend)) for leg in session.legs)
            self._live[name] = replace(session, legs=legs)

    def _take(self, charger: str, generation: int, desired: DesiredCharger | None) -> Outcome:
        session = self._live.setdefault(charger, LiveCharger(charger, connected=False, since_s=0.0))
        if desired is None:
            self._desired.pop(charger, None)
            del self._live[charger]
            return Ack(generation)
        if not session.connected:
            self._desired[charger] = (generation, desired)
            return Deferred(generation)
        waits = session.transactions and desired.flip.open_transaction != "proceed"
        reason = self._refusals.get(charger, "a transaction is open" if waits else "")
        if reason:
            refusal = Refusal(generation, reason)
            self._live[charger] = replace(session, refused=refusal)
            return refusal
        self._desired[charger] = (generation, desired)
        self._run(charger, generation, desired)
        return Ack(generation)

    def _run(self, charger: str, generation: int, desired: DesiredCharger) -> None:
        legs = tuple(
            LiveLeg(leg.backend.name, leg.role.name, self._phase(leg.backend.name), since_s=0.0)
            for leg in desired.legs
            if leg.role.connected and leg.backend.name != LOCAL
        )
        self._live[charger] = replace(
            self._live[charger],
            generation=generation,
            owners=dict(desired.owners),
            legs=legs,
            refused=None,
            because=desired.because,
        )
