"""What the controller did to chargers and why: gathered, then written into history by the node that acts."""

from collections.abc import Mapping
from typing import Any

from reconciler.app.courses import Cause
from reconciler.app.duty import Duty
from reconciler.app.ports import Clock, Store
from reconciler.model.failovers import Failover
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LiveCharger, Outcome, Refusal
from reconciler.model.overrides import Override
from reconciler.planning.drift import Standing, State
from reconciler.planning.effective import Layer
from reconciler.planning.effects import moves_between
from reconciler.planning.explain import layer_text
from reconciler.planning.render import move_text


class FlipHistory:
    """Events that are not written yet; a node that stands by has none."""

    def __init__(self, store: Store, clock: Clock, duty: Duty) -> None:
        self._store = store
        self._clock = clock
        self._duty = duty
        self._events: list[HistoryEvent] = []
        self._moved: tuple[Mapping[str, str], Mapping[str, str], str, Mapping[str, Any]] | None = None
        """The last flip, told: thousands of chargers of one binding move alike."""

    def note(
        self, kind: str, charger: str, summary: str, cause: Cause, details: Mapping[str, Any] | None = None
    ) -> None:
        """Note that something happened to a charger."""
        if not self._duty.held:
            return  # the node that acts writes it down
        self._events.append(
            HistoryEvent(
                at=self._clock.now(),
                kind=kind,
                summary=summary,
                charger=charger,
                actor=cause.actor,
                reason=cause.reason,
                revision=cause.revision,
                details=details or {},
            )
        )

    def note_flip(
        self, charger: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None, cause: Cause
    ) -> None:
        """Note who lost what to whom, where anything moved; both map features to owners, None where not known."""
        if not before or not after or before is after:
            return
        if self._moved is None or self._moved[0] is not before or self._moved[1] is not after:
            self._moved = before, after, *_move(before, after)
        *_, summary, details = self._moved
        if summary:
            self.note("flip", charger, summary, cause, details)

    def note_answer(
        self, outcome: Outcome, before: Standing, live: LiveCharger | None, refused_before: str, cause: Cause
    ) -> None:
        """Note that a charger refused, anew or for another reason than before, or that its drift was healed."""
        if isinstance(outcome, Refusal):
            if outcome.reason != refused_before:
                self.note("flip-refused", before.charger, outcome.reason, cause)
        elif before.state is State.DRIFTED:
            details = drift_details(before, live)
            self.note("drift-healed", before.charger, "; ".join(before.differences), Cause(), details)

    async def flush(self) -> None:
        """Write what was noted; what can't be written is kept for the next time."""
        events, self._events = self._events, []
        if not events:
            return
        try:
            await self._store.record(events)
        except BaseException:
            self._events = events + self._events
            raise


def _move(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
    """Return who loses what to whom, for people ("" where nothing moves) and for machines."""
    moves = moves_between(before, after)
    told = [{"features": list(move.features), "before": move.before, "after": move.after} for move in moves]
    return "; ".join(map(move_text, moves)), {"moves": told}


def cause_of(layer: Layer) -> Cause:
    """Return who or what asked for a layer."""
    newest = layer.sources[-1]
    if isinstance(newest, Override):
        return Cause(newest.actor, newest.reason)
    if isinstance(newest, Failover):
        return Cause(reason=layer_text(layer))
    actor = newest.outage.actor
    return Cause(actor, layer_text(layer)) if actor else Cause(reason=layer_text(layer))


def drift_details(standing: Standing, live: LiveCharger | None) -> Mapping[str, Any]:
    """Return what is kept of a drift that is healed: each field, applied and live, and for whom it ran so, if known."""
    fields = [{"field": one.field, "applied": one.applied, "live": one.live} for one in standing.fields]
    return {"fields": fields, "ran_for": live.because if live is not None else ""}
