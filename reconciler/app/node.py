"""The relay node: all sessions of this process. It is the controller's RelayPort and the stations' Admission.

controller ── set_desired ──> ChargerSlot ──> StationSession (live) ──> Ack | Refusal
station ───── admit ────────> who, which version, may it? ── opened ──> StationSession, newest wins (R12)
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from reconciler.app.boot_serial import BootSerialCheck
from reconciler.app.charger_slot import ChargerSlot
from reconciler.app.csms_connection import CsmsConnection
from reconciler.app.first_legs import dial_first
from reconciler.app.legs import Admit, DialRequest, Knock, Leg, LegSink, Refuse
from reconciler.app.local_line import LocalLine
from reconciler.app.message_tap import MessageTap
from reconciler.app.order_entry import bring, opening
from reconciler.app.passed import Passed
from reconciler.app.ports import ChargerMemory, KeptCall, Question
from reconciler.app.relay_rows import Holdings, Taken
from reconciler.app.security_events import SecurityEvents
from reconciler.app.station_access import choose_version, must_reconnect
from reconciler.app.station_channel import MUTUAL_TLS, serial_number_of
from reconciler.app.station_entry import StationEntry
from reconciler.app.station_issuer import StationIssuer
from reconciler.app.station_session import Connection, StationSession, Totals
from reconciler.app.stored_passwords import StoredPasswords
from reconciler.app.strangers import stranger_of
from reconciler.app.ticket import Ticket
from reconciler.app.world import World as World
from reconciler.local.csms import LocalCsms, TransactionNumbers
from reconciler.local.known_tokens import KnownTokens
from reconciler.model.desired import LOCAL, DesiredCharger, DesiredLeg
from reconciler.model.history import HistoryEvent
from reconciler.model.live import Ack, Deferred, LiveCharger, Outcome, Refusal
from reconciler.relay import commands

SERVICE_RESTART = 1012
POLICY_VIOLATION = 1008


class RelayNode:
    """Every charger of this process. `changed` is called whenever a charger connects, leaves or changes owners."""

    def __init__(self, world: World, changed: Callable[[str], None] = lambda charger: None) -> None:
        self.totals = Totals()
        self.changed = changed
        self.stirred: Callable[[str], None] = lambda charger: None  # at whatever else than frames, and cheap
        self.local_line = LocalLine()
        self.issuer: StationIssuer | None = None
        """Has certificates made for stations while `local` owns their security; None: nobody does."""
        self.holdings: Holdings | None = None
        """Where this node says that a charger is its own, where there are others."""
        self._world = world
        self._slots: dict[str, ChargerSlot] = {}
        self.messages = MessageTap(self._slots, world.clock)
        self._by_identity: dict[str, str] = {}
        self._memories: dict[str, ChargerMemory] = {}
        self._kept: dict[str, list[KeptCall]] = {}
        self._tokens = KnownTokens(world.token_key)
        self._numbers = TransactionNumbers()
        self._authorizations: dict[StationSession, Ticket] = {}
        self.security = SecurityEvents(world.recorder.event, world.metrics, world.log, world.clock)
        self._entry = StationEntry(
            world.secrets, world.clock, world.organization, world.passwords or StoredPasswords(world.clock)
        )

    def restore(self, memories: Iterable[ChargerMemory], kept: Iterable[KeptCall] = ()) -> None:
        """Take over what earlier processes remembered and kept; before any charger is declared."""
        self._memories = {memory.charger: memory for memory in memories}
        self._kept = {}
        for call in kept:
            self._kept.setdefault(call.charger, []).append(call)

    # -- RelayPort ---------------------------------------------------------------------------------------------

    async def set_desired(self, charger: str, generation: int, desired: DesiredCharger | None) -> Outcome:
        """Ask that `charger` run `desired` as `generation`; see `RelayPort`."""
        if desired is None:
            self._withdraw(charger)
            return Ack(generation)
        slot = self._slot(charger, desired)
        outcome = await self._run(slot, generation, desired)
        slot.refused = outcome if isinstance(outcome, Refusal) else None
        return outcome

    async def _run(self, slot: ChargerSlot, generation: int, desired: DesiredCharger) -> Outcome:
        """Ask the session, and the next one where the station leaves before it had an outcome."""
        declared = slot.desired
        while (session := slot.session) is not None and self._still(slot, declared):
            why = must_reconnect(session.desired, desired, session.version)
            if why is not None:
                self._next_session(slot, generation, desired)
                session.station.close(SERVICE_RESTART, f"connect again: {why}")
                return Deferred(generation)
            outcome = await session.want(generation, desired)
            if outcome is not None:
                return outcome
        if self._still(slot, declared):
            self._next_session(slot, generation, desired)
        return Deferred(generation)

    def _still(self, slot: ChargerSlot, declared: DesiredCharger) -> bool:
        """Tell whether the charger was neither withdrawn nor asked for something newer meanwhile."""
        return self._slots.get(declared.name) is slot and slot.desired is declared

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """Return every declared charger's live state by name, or that of those in `only`."""
        now, monotonic_s, slots = self._world.clock.now(), self._world.clock.monotonic_s(), self._slots
        chosen = slots if only is None else [name for name in only if name in slots]
        more = () if self._world.leg_desk is None else (self._world.leg_desk.told,)
        return {name: slots[name].live(now, monotonic_s, *more) for name in chosen}

    def names(self) -> Collection[str]:
        """Return the declared chargers."""
        return self._slots.keys()

    def slot(self, charger: str) -> ChargerSlot | None:
        """Return what is kept of a charger, None where it is not declared."""
        return self._slots.get(charger)

    def passed(self, charger: str) -> Passed:
        """Return how many messages passed of a charger at this node, by lane."""
        slot = self._slots.get(charger)
        return {} if slot is None else slot.passed()

    def questions(self, only: Collection[str] | None = None) -> Mapping[str, Question]:
        """Return nothing: nobody else asks anything of the chargers of a process."""
        return {}

    def taken(self, charger: str, taken: Taken) -> None:
        """Take the charger's new epoch, and what another node that had it meanwhile left of it."""
        if taken.elsewhere:
            self.give_up(charger, "it was connected to another node since")
        if (slot := self._slots.get(charger)) is not None:
            slot.take(taken, self._world.clock)

    def give_up(self, charger: str, reason: str) -> None:
        """End the charger's session, where it has one: another node has the charger now (R12)."""
        slot = self._slots.get(charger)
        if slot is not None and slot.session is not None:
            slot.session.end(reason)
            slot.session.station.close(POLICY_VIOLATION, reason)

    def _slot(self, charger: str, desired: DesiredCharger) -> ChargerSlot:
        slot = self._slots.get(charger)
        if slot is None:
            slot = self._slots[charger] = ChargerSlot(desired, 0)
            slot.restore(self._memories.pop(charger, None), self._kept.pop(charger, ()), self._world.clock)
        return slot

    def _next_session(self, slot: ChargerSlot, generation: int, desired: DesiredCharger) -> None:
        """Let the charger's next session begin with `desired`."""
        identity = desired.identity.casefold()
        if self._by_identity.get(identity) != desired.name:
            self._forget_identity(slot)
            self._by_identity[identity] = desired.name
        slot.desired, slot.generation = desired, generation

    def _forget_identity(self, slot: ChargerSlot) -> None:
        """Make way for another identity; where another charger has it by now, it stays that one's."""
        identity = slot.desired.identity.casefold()
        if self._by_identity.get(identity) == slot.desired.name:
            del self._by_identity[identity]

    def _withdraw(self, charger: str) -> None:
        slot = self._slots.pop(charger, None)
        if slot is None:
            return
        self._forget_identity(slot)
        if slot.session is not None:
            slot.session.station.close(POLICY_VIOLATION, "this charging station is no longer declared")

    # -- Admission ---------------------------------------------------------------------------------------------

    async def admit(self, knock: Knock) -> Admit | Refuse:
        """Decide on a station's handshake (OCPP-J part 4, 3.1-3.3)."""
        slot = self._slots.get(self._by_identity.get(knock.identity.casefold(), ""))
        if slot is None:
            self._world.recorder.stranger(stranger_of(knock, self._world.clock.now()))
        verdict = await self._entry.refusal(knock, slot) or await self._verdict(knock, slot)
        if isinstance(verdict, Admit) and self.holdings is not None:
            await self.holdings.take(verdict.charger)
        self._entry.concluded(knock, slot, verdict if isinstance(verdict, Refuse) else None)
        outcome = "admitted" if isinstance(verdict, Admit) else "refused"
        self._world.metrics.count("station_connections", outcome=outcome)
        if isinstance(verdict, Refuse):
            if verdict.security_event:
                charger = slot.desired.name if slot is not None else ""
                self.security.happened(
                    verdict.security_event, charger=charger, remote=knock.remote, detail=verdict.reason
                )
            self._world.log(
                "station-refused",
                identity=knock.identity,
                remote=knock.remote,
                status=verdict.status,
                reason=verdict.reason,
            )
        return verdict

    async def _verdict(self, knock: Knock, slot: ChargerSlot | None) -> Admit | Refuse:
        assert slot is not None  # else its entry was refused
        charger, version = slot.desired, choose_version(knock, slot.desired)
        ticket = Ticket(slot, knock.authorization, {})
        if version is not None:
            refused = await dial_first(ticket, version, self._world)
            if refused is not None:
                return refused
        compression = version not in (None, "ocpp1.6") and charger.quirks.compression == "auto"
        return Admit(charger.name, version, charger.quirks.ping_interval_s, compression, ticket)

    def opened(self, admit: Admit, leg: Leg) -> LegSink:
        """Begin a session; an older one of the same charger ends first (R12)."""
        ticket = admit.ticket
        assert isinstance(ticket, Ticket)
        assert admit.subprotocol is not None
        slot, world = ticket.slot, self._world
        older = slot.session
        session = StationSession(
            leg,
            admit.subprotocol,
            slot.generation,
            slot.desired,
            slot.memory,
            self,
            world.clock,
            world.new_id,
            self.totals,
        )
        if older is not None:
            older.end("replaced by a newer connection")
            slot.lingering = older.closing
            older.station.close(POLICY_VIOLATION, "replaced by a newer connection")
            self._authorizations.pop(older, None)
        slot.begins(session)
        self.messages.began(session.charger, session)
        self._authorizations[session] = ticket
        session.begin()
        slot.lingering = {}
        self._record("station-connected", slot, f"{slot.desired.name} connected, {session.version}")
        self.changed(slot.desired.name)
        return self._secured(session, slot, leg)

    def _secured(self, session: StationSession, slot: ChargerSlot, leg: Leg) -> LegSink:
        """Remember how secure the station came in; with a certificate, hold its boots to the serial number there."""
        profile = session.desired.security.profile
        if profile > slot.highest_profile:
            slot.highest_profile = profile
            self._world.recorder.remember(session.charger, slot.snapshot)
        if profile != MUTUAL_TLS:
            return session
        summary = f"{session.charger} booted with another serial number than its certificate's"
        serial = serial_number_of(session.desired)

        def mismatch() -> None:
            self._record("serial-mismatch", slot, summary)
            self.security.happened("serial-mismatch", charger=session.charger, detail=summary)

        return BootSerialCheck(session, leg, serial, mismatch)

    # -- SessionOwner ------------------------------------------------------------------------------------------

    def connect(self, session: StationSession, leg: DesiredLeg) -> Connection:
        """Return a connection for a leg of `session`, started as soon as the core may hear of it."""
        world, ticket = self._world, self._authorizations[session]
        loop = asyncio.get_running_loop()
        name = leg.backend.name
        if name == LOCAL:
            csms = self._local_csms(session)
            local = self.local_line.connect(session.charger, csms, world.clock, session.feed, world.new_id)
            loop.call_soon(local.start)
            return local
        dialled = ticket.dialled.pop(name, None)
        if dialled is not None:
            loop.call_soon(dialled.adopt, session.feed)
            return dialled
        authorization = ticket.authorization if leg.credentials == "passthrough" else None
        request = DialRequest(session.desired.identity, leg, session.version, authorization, session.charger)
        connection = CsmsConnection(request, world.dialer, world.redial, session.feed)
        connection.start(ticket.slot.lingering.get(name))
        opening(world.leg_desk, session, name)
        return connection

    def _local_csms(self, session: StationSession) -> LocalCsms:
        def known(token: str) -> bool:
            return self._tokens.knows(_scope(session.desired), token, self._world.clock.now())

        def signs(request: Mapping[str, Any]) -> bool:
            return self.issuer is not None and self.issuer.asked(session.desired, session.version, request)

        return LocalCsms(session.version, lambda: session.desired.local, known, self._numbers, signs)

    def session_command(self, session: StationSession, command: commands.Command) -> None:
        """Take what a session can't do by itself; one that was replaced or withdrawn has no say any more."""
        slot = self._slots.get(session.charger)
        if slot is None or slot.session is not session:
            return
        self.stirred(session.charger)
        match command:
            case commands.RememberCharger():
                self._world.recorder.remember(session.charger, slot.snapshot)
            case commands.Note():
                self._note(slot, command)
            case commands.ForgetCalls(seqs):
                self._world.recorder.forget(session.charger, seqs)
            case commands.AnswerLocally(frame):
                self._answer_locally(session, frame)
            case commands.IdTokenAccepted(token):
                self._tokens.accepted(_scope(session.desired), token, self._world.clock.now())
            case commands.AnswerOrder() | commands.LegRegistered():
                self._bring(session, command)
            case commands.GenerationRuns(generation, before, owners):
                self._next_session(slot, generation, session.desired)
                if before != owners:
                    self._world.metrics.count("flips")  # the controller knows why, and writes it into history
                    self.changed(session.charger)

    def _bring(self, session: StationSession, command: commands.AnswerOrder | commands.LegRegistered) -> None:
        bring(self._world.leg_desk, session, command)
        if self.holdings is not None and command == commands.LegRegistered(LOCAL):
            self.changed(session.charger)  # from now on other nodes may operate it

    def _answer_locally(self, session: StationSession, frame: bytes) -> None:
        answer = self._local_csms(session).frame_received(frame, self._world.clock.now())
        if answer is not None:
            session.station.send(answer)

    def _note(self, slot: ChargerSlot, note: commands.Note) -> None:
        if note.what == "owner-away":
            slot.owner_away = note.backend
        if note.what == "security-event":
            self.security.reported(slot.desired.name, note.detail)
            return
        self._world.metrics.count("relay_notes", what=note.what)
        self._world.log(
            note.what, charger=slot.desired.name, backend=note.backend, action=note.action, detail=note.detail
        )

    def commit(self, session: StationSession, then: Callable[[], None]) -> None:
        """Store the charger's memory with the next batch, then call `then`."""
        slot = self._slots.get(session.charger)
        if slot is not None:
            self._world.recorder.commit(session.charger, slot.snapshot, then)

    def keep(self, session: StationSession, seq: int, raw: bytes, then: Callable[[], None]) -> None:
        """Store an acknowledged call with the next batch, then call `then`."""
        self._world.recorder.keep(KeptCall(session.charger, seq, raw, self._world.clock.now()), then)

    def session_ended(self, session: StationSession, reason: str) -> None:
        """Forget a session; one that was replaced has nothing left to clean up (R12)."""
        self._authorizations.pop(session, None)
        slot = self._slots.get(session.charger)
        if slot is None or slot.session is not session:
            return
        slot.ends()
        slot.lingering = session.closing
        slot.last_seen_s = self._world.clock.now().timestamp()
        self._record("station-gone", slot, f"{session.charger} left: {reason}")
        self.changed(session.charger)

    def _record(self, kind: str, slot: ChargerSlot, summary: str) -> None:
        event = HistoryEvent(self._world.clock.now(), kind, summary, charger=slot.desired.name)
        self._world.recorder.event(event)


def _scope(charger: DesiredCharger) -> str:
    """Return where an accepted id token counts: the charger's site, or the charger alone."""
    site = charger.labels.get("site")
    return f"site/{site}" if site else f"charger/{charger.name}"
