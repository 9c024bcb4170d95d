"""Courses: what the controller asked for on each charger, what came of it, and when to ask again."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from reconciler.app.ports import Question
from reconciler.errors import AppliedInPart
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import Ack, Deferred, LiveCharger, Outcome, Refusal
from reconciler.planning.drift import NEEDING_ATTENTION, Asked, Standing, State, compare
from reconciler.planning.effective import Layer, LayerKind

SETTLE_S: Final = 5.0
"""How long a charger may take to show what was asked of it, before it is asked again."""

HELD_BACK: Final = "held back"
"""How the reason begins of a charger that had no turn, because the apply was stopped."""

BACK_OFF_FIRST_S: Final = 2.0
BACK_OFF_LAST_S: Final = 60.0


class Verdict(StrEnum):
    """What became of a change on one charger."""

    APPLIED = "applied"
    DEFERRED = "deferred"
    """Not now, and not by mistake: it is offline, or the relay waits as the plan said it would."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Left alone as its flip policy asks."""


class ChargerResult(msgspec.Struct, frozen=True, gc=False):
    """The verdict on one charger, and why where it isn't `applied`."""

    charger: str
    verdict: Verdict
    reason: str = ""


def exit_code_of(results: Iterable[ChargerResult]) -> int:
    """Return the exit code that these results deserve: 7 where any failed, else 0."""
    return AppliedInPart.exit_code if any(result.verdict is Verdict.FAILED for result in results) else 0


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why the controller acts; goes into the history of every flip."""

    actor: str = "controller"
    reason: str = ""
    revision: int | None = None
    at_any_time: bool = False
    """Whatever change windows say."""


class Patience(StrEnum):
    """When a charger that refused is asked again for the same."""

    BACK_OFF = "later and later"
    UNTIL_FREE = "once its transaction has ended"
    LEFT_ALONE = "not at all"


def patience_with(wanted: DesiredCharger | None, live: LiveCharger | None, layer: Layer | None) -> Patience:
    """Return when a refusal of `wanted` is worth another question; `layer` decides on the charger, where one does."""
    if wanted is None or live is None or not live.transactions:
        return Patience.BACK_OFF
    policy = wanted.flip.open_transaction
    if policy == "skip" and layer is not None and layer.kind is LayerKind.OUTAGE:
        return Patience.LEFT_ALONE  # the outage is over before the next one comes
    return Patience.UNTIL_FREE if policy == "wait" else Patience.BACK_OFF


@dataclass(slots=True, eq=False)
class Course:
    """One charger's course. Only the controller changes it, and only while it holds `turn`."""

    charger: str
    asked: Asked | None = None
    outcome: Outcome | None = None
    asked_connected: bool = False
    """Whether it was connected when it was asked last."""
    owners: Mapping[str, str] | None = None
    """Who owned what when it last ran what was asked; None until that is known."""
    cause: Cause | None = None
    """Why something else is wanted, until it is reached; None where nobody said."""
    tries: int = 0
    """Questions about the same wish since it was last seen to come true."""
    retry_at_s: float = 0.0
    """Not asked again before, on the monotonic clock, unless something else is wanted."""
    patience: Patience = Patience.BACK_OFF
    """What a refusal is worth; it counts only while `outcome` is one."""
    held_back: str = ""
    """Why what is wanted has to wait before it is asked for, see `planning/holding`."""
    attention: State | None = None
    """Drifted or refused, where it was when it was last looked at."""
    _same: tuple[DesiredCharger | None, LiveCharger | None] | None = None
    """What was last found in sync, or offline and told: while both are the same objects there is nothing to compare."""
    _turn: asyncio.Lock | None = None

    @property
    def turn(self) -> asyncio.Lock:
        """What is held while the charger is asked."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        return self._turn

    @property
    def busy(self) -> bool:
        """Return True while the charger is being asked."""
        return self._turn is not None and self._turn.locked()

    def is_settled(self, wanted: DesiredCharger | None, live: LiveCharger | None) -> bool:
        """Return True where nothing is new since the charger was found to run, or to have been told, what it is to."""
        same = self._same
        return same is not None and same[0] is wanted and same[1] is live and not self.held_back

    def standing(self, wanted: DesiredCharger | None, live: LiveCharger | None, *, in_full: bool = True) -> Standing:
        """Return how the charger stands; its fields only `in_full`."""
        standing = compare(self.charger, wanted, self.asked, live, in_full=in_full)
        if self.held_back and standing.state not in (State.IN_SYNC, State.OFFLINE):
            return Standing(self.charger, State.PENDING, (self.held_back,))
        return standing

    def is_due(self, wanted: DesiredCharger | None, live: LiveCharger | None, now_s: float) -> bool:
        """Return True where the relay is to be asked (again) at `now_s`; learns from `live` what runs."""
        if self._same is not None and self._same[0] is wanted and self._same[1] is live:
            return False
        self.attention = None
        if self.asked is None or (self.asked.desired is not wanted and self.asked.desired != wanted):
            return True
        state = self.standing(wanted, live, in_full=False).state
        if state in NEEDING_ATTENTION:
            self.attention = state
        if state is State.IN_SYNC:
            self.confirm(wanted)
            self.tries, self._same = 0, (wanted, live)
            return False
        if state is State.OFFLINE and isinstance(self.outcome, Ack | Deferred):
            self._same = (wanted, live)
            return False
        if isinstance(self.outcome, Refusal) and live is not None and live.connected:
            if self.patience is Patience.LEFT_ALONE:
                return False
            if self.patience is Patience.UNTIL_FREE and not live.transactions:
                return True
        return now_s >= self.retry_at_s

    def next_generation(self, live: LiveCharger | None) -> int:
        """Return a generation higher than any that was asked for or is known to the relay."""
        known = [self.asked.generation if self.asked else 0]
        if live is not None:
            known += [live.generation, live.refused.generation if live.refused else 0]
        return max(known) + 1

    def expect(self, cause: Cause, ran: Mapping[str, str] | None = None) -> None:
        """Note why something else will be wanted, and who owned what until then, where that is not known here."""
        self.cause, self.owners = cause, self.owners or ran

    def ask(self, generation: int, wanted: DesiredCharger | None, live: LiveCharger | None = None) -> None:
        """Note what is about to be asked of the relay, while the charger runs as `live`."""
        self.asked_connected = live is not None and live.connected
        self.tries = self.tries + 1 if self.asked is not None and self.asked.desired == wanted else 1
        self.asked, self.outcome, self._same, self.attention = Asked(generation, wanted), None, None, None

    def settle(self, outcome: Outcome, now_s: float, patience: Patience = Patience.BACK_OFF) -> None:
        """Note the answer, and when to ask again if it doesn't come true."""
        self.outcome, self.patience = outcome, patience
        first_s = BACK_OFF_FIRST_S if isinstance(outcome, Refusal) else SETTLE_S
        self.retry_at_s = now_s + min(BACK_OFF_LAST_S, first_s * 2 ** min(self.tries - 1, 16))
        if isinstance(outcome, Ack) and self.asked is not None:
            self.confirm(self.asked.desired)

    def adopt(self, question: Question, wanted: DesiredCharger | None, now_s: float) -> None:
        """Learn what another node's controller asked for; it counts as deferred until the charger is seen to run it.

        It is not asked again before its answer has had its time: whoever takes over goes on with what is left.
        """
        asked, desired = self.asked, question.desired
        if self.busy or (asked is not None and asked.generation == question.generation):
            return
        if desired is not wanted and desired == wanted:
            desired = wanted  # the same object compares in no time
        self.asked_connected = False
        self.asked, self.outcome, self._same = Asked(question.generation, desired), Deferred(question.generation), None
        answered_within_s = desired.flip.confirm_within_s if desired is not None else 0.0
        self.tries, self.retry_at_s = 1, now_s + max(SETTLE_S, answered_within_s)

    def confirm(self, wanted: DesiredCharger | None) -> None:
        """Note that the charger runs what was asked."""
        if self.asked is not None:
            self.asked = Asked(self.asked.generation, wanted, confirmed=True)
        self.outcome = Ack(self.asked.generation) if self.asked else None
        self.owners = wanted.owners if wanted else None
        self.cause = None

    def result(self) -> ChargerResult:
        """Return what became of the newest question, or why it is not asked yet."""
        if self.held_back:
            return ChargerResult(self.charger, Verdict.DEFERRED, self.held_back)
        match self.outcome:
            case Ack():
                return ChargerResult(self.charger, Verdict.APPLIED)
            case Deferred():
                return ChargerResult(self.charger, Verdict.DEFERRED, "at its next connection")
            case Refusal(reason=reason):
                return ChargerResult(self.charger, Verdict.FAILED, reason)
        return ChargerResult(self.charger, Verdict.FAILED, "the relay has not answered yet")
