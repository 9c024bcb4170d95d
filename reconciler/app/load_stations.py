"""The chargers of load policies, whichever node they are connected to: what is known of them, and what is told them.

The node that acts asks the others for facts before each look, so what it asked for a moment ago shows in them; ages and
not instants are sent. A node that does not answer leaves what it said last, whose meter values grow stale: its chargers
are then counted with all that they may draw.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec.structs import replace

from reconciler.app.errands import Body, Errands, NobodyKnows, NotBegun
from reconciler.app.fleet_stations import FleetStations
from reconciler.app.load_facts import Slots, disown, facts_of, is_at_work, owners_of, stands
from reconciler.app.ports import Clock
from reconciler.local.load.facts import Facts
from reconciler.local.load.metering import Meter, Reading
from reconciler.model.desired import LOCAL
from reconciler.model.local_rules import LoadMember

FACTS: Final = "load-facts"
DISOWN: Final = "load-disown"
FACTS_WITHIN_S: Final = 3.0
_SMART_CHARGING: Final = "smart-charging"

Orphan = Literal["gone", "waits", "disown", "clear"]
"""What is to become of a limit on a charger that is in no policy any more."""
MeterOf = Callable[[str], Meter | None]


class LoadStations(Protocol):
    """The chargers as load control needs them."""

    @property
    def gather_s(self) -> float:
        """Return how long a wake waits for others before the next look."""

    async def refresh(self, chargers: Mapping[str, float]) -> None:
        """Learn what other nodes know of these chargers; the number is how old a meter value may be, in seconds."""

    def facts(self, member: LoadMember, meter: Meter, now_s: float, stale_s: float) -> Facts:
        """Return what is known of a charger of a policy."""

    def version(self, charger: str) -> str:
        """Return the OCPP version that the charger speaks, "" where it is not connected."""

    def orphan(self, charger: str) -> Orphan:
        """Return what is to become of its limit, now that no policy has it."""

    def disown(self, charger: str) -> None:
        """Have the relay take our limit away from a charger on which smart-charging is another's (R14)."""

    def stir(self, charger: str) -> None:
        """Let whoever acts know soon that a charger begins or ends to draw."""


class OwnLoads:
    """Implements `LoadStations` for the chargers of this process."""

    gather_s: Final = 0.2

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    async def refresh(self, chargers: Mapping[str, float]) -> None:
        """Do nothing: all is known."""

    def facts(self, member: LoadMember, meter: Meter, now_s: float, stale_s: float) -> Facts:
        """See LoadStations."""
        return facts_of(member, self._slots.slot(member.charger), meter, now_s, stale_s)

    def version(self, charger: str) -> str:
        """See LoadStations."""
        slot = self._slots.slot(charger)
        return slot.session.version if slot is not None and slot.session is not None else ""

    def orphan(self, charger: str) -> Orphan:
        """See LoadStations."""
        slot = self._slots.slot(charger)
        if slot is None or not stands(slot):
            return "gone"
        if slot.session is None:
            return "waits"
        if owners_of(slot).get(_SMART_CHARGING) != LOCAL:
            return "disown"
        return "clear" if is_at_work(slot) else "waits"

    def disown(self, charger: str) -> None:
        """See LoadStations."""
        slot = self._slots.slot(charger)
        if slot is not None:
            disown(slot)

    def stir(self, charger: str) -> None:
        """Do nothing: this process acts."""


class FleetLoads:
    """Implements `LoadStations` for the chargers of all nodes; `told` has this node report a charger soon."""

    gather_s: Final = 2.0
    """Each look asks every other node once, so looks are bounded."""

    def __init__(
        self, slots: Slots, stations: FleetStations, errands: Errands, clock: Clock, told: Callable[[str], None]
    ) -> None:
        self.meter_of: MeterOf = lambda charger: None
        self._own = OwnLoads(slots)
        self._slots = slots
        self._stations = stations
        self._errands = errands
        self._clock = clock
        self._told = told
        self._known: dict[str, Facts] = {}
        errands.on(FACTS, self._facts_for_another)
        errands.on(DISOWN, self._disown_for_another)

    async def refresh(self, chargers: Mapping[str, float]) -> None:
        """See LoadStations."""
        by_start: dict[str, dict[str, float]] = {}
        for charger, stale_s in chargers.items():
            start = self._stations.elsewhere(charger)
            if start:
                by_start.setdefault(start, {})[charger] = stale_s
        self._known = {name: known for name, known in self._known.items() if name in chargers}
        await asyncio.gather(*(self._ask(start, names) for start, names in by_start.items()))

    def facts(self, member: LoadMember, meter: Meter, now_s: float, stale_s: float) -> Facts:
        """See LoadStations."""
        name, slot = member.charger, self._slots.slot(member.charger)
        live = self._stations.live_charger(name)
        own = self._own.facts(member, meter, now_s, stale_s)
        if live is None or slot is None:
            return own
        if slot.session is not None:
            self._known.pop(name, None)
            return replace(own, session=slot.epoch)
        known = self._known.get(name)
        if known is not None:
            known = replace(known, rated_w=member.rated_w, priority=member.priority)
            return replace(known, connected=known.connected and live.connected)
        # Nobody has said anything yet: it may draw all that it is built for, or that its limit allows.
        owner = (live.owners or slot.desired.owners).get(_SMART_CHARGING, "nobody")
        return replace(
            own,
            why_not="" if owner == LOCAL else f"{owner} owns {_SMART_CHARGING}",
            connected=False,
            seen=own.seen or live.connected or live.since_s > 0,
            session=live.connections,
            reading=None,
        )

    def version(self, charger: str) -> str:
        """See LoadStations."""
        live = self._stations.live_charger(charger)
        return (live.version or "") if live is not None and live.connected else ""

    def orphan(self, charger: str) -> Orphan:
        """See LoadStations."""
        slot = self._slots.slot(charger)
        if slot is None or slot.session is not None:
            return self._own.orphan(charger)
        known = self._known.get(charger)
        if known is None or not self._stations.elsewhere(charger):
            return "waits"
        if not known.standing:
            return "gone"
        if not known.governed:
            return "disown"
        return "clear" if known.connected else "waits"

    def disown(self, charger: str) -> None:
        """See LoadStations."""
        start = self._stations.elsewhere(charger)
        if start:
            self._errands.tell_soon(start, DISOWN, {"charger": charger})
        else:
            self._own.disown(charger)

    def stir(self, charger: str) -> None:
        """See LoadStations."""
        self._told(charger)

    async def _ask(self, start: str, chargers: Mapping[str, float]) -> None:
        try:
            async with asyncio.timeout(FACTS_WITHIN_S):
                answer = await self._errands.ask(start, FACTS, {"chargers": chargers})
        except (NotBegun, NobodyKnows, TimeoutError):
            return  # what was known grows old
        now_s = self._clock.monotonic_s()
        for row in answer["facts"]:
            known = _at(msgspec.convert(row, Facts), now_s)
            self._known[known.charger] = known

    async def _facts_for_another(self, body: Body) -> Body:
        now_s = self._clock.monotonic_s()
        found: list[Any] = []
        chargers: Mapping[str, float] = body["chargers"]
        for name, stale_s in chargers.items():
            slot = self._slots.slot(name)
            if slot is not None:
                meter = self.meter_of(name) or Meter()
                facts = facts_of(LoadMember(name, 0.0), slot, meter, now_s, stale_s)
                found.append(msgspec.to_builtins(_at(replace(facts, session=slot.epoch), -now_s)))
        return {"facts": found}

    async def _disown_for_another(self, body: Body) -> None:
        self._own.disown(body["charger"])


def _at(facts: Facts, shift_s: float) -> Facts:
    """Return the facts with all instants shifted: to ages before they are sent, to this node's clock afterwards."""
    reading, active_s = facts.reading, facts.active_since_s
    return replace(
        facts,
        reading=None if reading is None else Reading(reading.watts, reading.at_s + shift_s),
        active_since_s=None if active_s is None else active_s + shift_s,
    )
