"""Balance: one policy's chargers and limits; `look(facts, now) -> steps`, so that the sum stays within the limit.

What may be drawn is counted charger by charger:

    governed, limit accepted      the limit, until another is accepted; while an answer is awaited or lost, the higher
    not governed                  what it draws by a fresh meter value; nothing while it is connected and idle; else,
                                  and for `SETTLE_S` after a start or a withdrawal, all that it is built for
    governed, no limit yet        all that it is built for

A limit is raised only as far as the sum has room for it, counted so; lowering comes first by itself. Shares are worked
out anew when somebody comes, goes or changes hands, when the sum is above the limit, and else every `SHARE_EVERY_S`,
and then only where it makes a difference: a profile is not written at each meter value. Stale meters move nothing: a
governed charger is reckoned to use all it was given, another one all it is built for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from reconciler.local.load.allotments import Allotment, Outcome
from reconciler.local.load.facts import ChargerLoad, Facts, PolicyLoad, SetLimit, Step, Terms, Withdraw
from reconciler.local.load.metering import Reading
from reconciler.local.load.sharing import Claim, share

SETTLE_S: Final = 30.0
"""A meter value taken sooner after a start, a raise or a withdrawal does not show all that will be drawn."""

SHARE_EVERY_S: Final = 30.0
ANSWER_WITHIN_S: Final = 3.0
"""A charger that takes longer is counted with what it may draw, and the others have to do with the rest."""

WITHDRAW_WITHIN_S: Final = 60.0
"""So long a lost charger keeps its limit, at most, while the others are lowered to make room for it."""

_DIFFERENCE_W: Final = 500.0
_DIFFERENCE: Final = 0.05
_GRAIN_W: Final = 100.0
_EPSILON_W: Final = 1.0
_IDLE_W: Final = 100.0
"""A charger draws as much by itself."""
_HUNGRY: Final = 0.8
"""A car that takes more than this of its limit would take more."""
_HEADROOM: Final = 1.25


class Balance:
    """The state of one policy. `limits` are those that stand in chargers since an earlier process."""

    def __init__(self, terms: Terms, limits: Callable[[str], float | None] = lambda charger: None) -> None:
        self.terms = terms
        self._limits = limits
        self._allotments: dict[str, Allotment] = {}
        self._facts: Mapping[str, Facts] = {}
        self._targets: dict[str, float] = {}
        self._shared_at_s = float("-inf")
        self._membership: frozenset[tuple[str, str, bool, bool]] = frozenset()
        self._sessions: dict[str, int] = {}
        """The connection on which each charger accepted its limit last."""
        self._lost_at_s: dict[str, float] = {}
        self._free_since_s: dict[str, float] = {}

    def look(self, facts: Iterable[Facts], now_s: float) -> tuple[Step, ...]:
        """Take what is known now, and return what is to be asked of the chargers, lowering first."""
        self._facts = {found.charger: found for found in facts}
        for name in self._allotments.keys() - self._facts.keys():
            self._drop(name)
        for found in self._facts.values():
            self._note(found, now_s)
        self._share_if_due(now_s)
        return (*self._withdrawals(now_s), *self._lower(now_s), *self._raise(now_s))

    def retune(self, terms: Terms) -> None:
        """Go by other terms from now on."""
        if terms != self.terms:
            self.terms, self._membership = terms, frozenset()

    def answered(self, charger: str, outcome: Outcome, now_s: float, problem: str = "") -> None:
        """Take what became of a SetLimit."""
        allotment, found = self._allotments.get(charger), self._facts.get(charger)
        if allotment is not None and found is not None:
            if outcome == "accepted" and allotment.asked_w is not None:
                self._sessions[charger] = found.session
            allotment.answered(outcome, self._counted_w(found, now_s), now_s, problem)

    def is_moving(self, now_s: float) -> bool:
        """Return True while answers are awaited, or a car may still be coming down."""
        return any(one.asked_w is not None or one.is_falling(now_s) for one in self._allotments.values())

    def durable(self) -> Mapping[str, float | None]:
        """Return charger -> the highest limit that may stand there whatever becomes of this process, None for none."""
        return {name: self._allotments[name].durable_w(found.rated_w) for name, found in self._facts.items()}

    def next_change_s(self, now_s: float) -> float:
        """Return when `look` may come to something else although nothing happened; at most SHARE_EVERY_S from now."""
        edges = [edge for one in self._allotments.values() if (edge := one.next_change_s(now_s)) is not None]
        edges += [one.asked_at_s + ANSWER_WITHIN_S for one in self._allotments.values() if one.asked_w is not None]
        return min([now_s + SHARE_EVERY_S, *(edge for edge in edges if edge > now_s)])

    def picture(self, now_s: float) -> PolicyLoad:
        """Return how the policy stands."""
        chargers = tuple(self._charger_load(found, now_s) for found in self._facts.values())
        return PolicyLoad(
            self.terms.name,
            self.terms.limit_w,
            self.terms.reserve_w,
            sum(load.counted_w for load in chargers),
            sum(load.measured_w or 0.0 for load in chargers),
            chargers,
        )

    # -- what is drawn at most ---------------------------------------------------------------------------------

    def _note(self, found: Facts, now_s: float) -> None:
        name = found.charger
        allotment = self._allotments.get(name)
        if allotment is None:
            allotment = self._allotments[name] = Allotment(self._limits(name))
        if found.governed:
            self._lost_at_s.pop(name, None)
            self._free_since_s.pop(name, None)
        else:
            self._lost_at_s.setdefault(name, now_s)
        if allotment.limit_w is not None and found.connected and not found.standing and allotment.asked_w is None:
            self._release(name, now_s)  # somebody took it away

    def _counted_w(self, found: Facts, now_s: float) -> float:
        allotment = self._allotments[found.charger]
        ceiling_w = allotment.ceiling_w(found.rated_w, now_s)
        return ceiling_w if found.governed and found.seen else min(self._unlimited_w(found, now_s), ceiling_w)

    def _unlimited_w(self, found: Facts, now_s: float) -> float:
        """Return what a charger on which no limit of ours stands may draw."""
        if not found.seen:
            return 0.0
        if self.terms.others == "rated" or not found.connected:
            return found.rated_w
        reading = self._fresh(found, now_s)
        if reading is not None and reading.at_s >= self._settled_s(found):
            return min(found.rated_w, reading.watts)
        return 0.0 if _is_idle(found) else found.rated_w

    def _fresh(self, found: Facts, now_s: float) -> Reading | None:
        reading = found.reading
        return reading if reading is not None and now_s - reading.at_s <= self.terms.stale_s else None

    def _settled_s(self, found: Facts) -> float:
        """Return from when on a meter value shows what a charger without limit draws."""
        begun = [since for since in (found.active_since_s, self._free_since_s.get(found.charger)) if since is not None]
        return max(begun) + SETTLE_S if begun else float("-inf")

    def _sum_w(self, now_s: float) -> float:
        return sum(self._counted_w(found, now_s) for found in self._facts.values())

    # -- who is to get what ------------------------------------------------------------------------------------

    def _share_if_due(self, now_s: float) -> None:
        membership = frozenset(
            (found.charger, found.why_not, found.connected, found.active_since_s is not None)
            for found in self._facts.values()
        )
        is_over = self._sum_w(now_s) > self._cap_w() + _EPSILON_W
        if membership == self._membership and not is_over and now_s < self._shared_at_s + SHARE_EVERY_S:
            return
        targets = self._shares(now_s)
        if membership != self._membership or is_over or self._differs(targets):
            self._targets = targets
        self._membership, self._shared_at_s = membership, now_s

    def _cap_w(self) -> float:
        return max(0.0, self.terms.limit_w - self.terms.reserve_w)

    def _shares(self, now_s: float) -> dict[str, float]:
        left_w, claims = self._cap_w(), []
        for found in self._facts.values():
            if found.governed and self._is_willing(found, now_s):
                claims.append(self._claim(found, now_s))
            else:
                left_w -= self._reckoned_w(found, now_s)
        shares = share(left_w, claims, self.terms.min_w, by_priority=self.terms.by_priority)
        return {
            name: watts if watts >= self._facts[name].rated_w - _EPSILON_W else watts // _GRAIN_W * _GRAIN_W
            for name, watts in shares.items()
        }

    def _is_willing(self, found: Facts, now_s: float) -> bool:
        """Return True where a charger can be asked, or was just asked: it will take what it is given."""
        allotment = self._allotments[found.charger]
        waiting = allotment.asked_w is not None and now_s >= allotment.asked_at_s + ANSWER_WITHIN_S
        return found.connected and not waiting and now_s >= allotment.retry_at_s

    def _reckoned_w(self, found: Facts, now_s: float) -> float:
        """Return what to leave to a charger that takes no share; one that is about to be let go may draw all."""
        if not found.governed and self._allotments[found.charger].limit_w is not None and found.connected:
            return self._after_withdrawal_w(found, now_s)
        return self._counted_w(found, now_s)

    def _after_withdrawal_w(self, found: Facts, now_s: float) -> float:
        return found.rated_w if found.active_since_s is not None else self._unlimited_w(found, now_s)

    def _claim(self, found: Facts, now_s: float) -> Claim:
        wants_w, allotment = found.rated_w, self._allotments[found.charger]
        reading = self._fresh(found, now_s)
        if reading is not None and allotment.limit_w is not None and allotment.asked_w is None:
            settled = max(allotment.raised_at_s, found.active_since_s or 0.0) + SETTLE_S
            if reading.at_s >= settled and reading.watts < _HUNGRY * allotment.limit_w:
                wants_w = min(found.rated_w, max(self.terms.min_w, reading.watts * _HEADROOM + _DIFFERENCE_W))
        return Claim(found.charger, found.rated_w, wants_w, found.active_since_s, found.priority)

    def _differs(self, targets: Mapping[str, float]) -> bool:
        """Return True where new shares differ from those that hold by so much that it is worth a profile."""
        return targets.keys() != self._targets.keys() or any(
            abs(watts - self._targets[name]) > max(_DIFFERENCE_W, _DIFFERENCE * self._targets[name])
            for name, watts in targets.items()
        )

    # -- steps -------------------------------------------------------------------------------------------------

    def _askable(self, now_s: float) -> Iterator[tuple[Facts, Allotment, float]]:
        for name, target_w in self._targets.items():
            found, allotment = self._facts.get(name), self._allotments.get(name)
            if found is None or allotment is None or not found.governed or not found.connected:
                continue
            if allotment.asked_w is None and now_s >= allotment.retry_at_s:
                yield found, allotment, target_w

    def _lower(self, now_s: float) -> Iterator[Step]:
        """Yield what takes power away, at once; a charger without a limit of ours gets its first one."""
        for found, allotment, target_w in self._askable(now_s):
            first = allotment.limit_w is None
            may_draw_more = first or target_w < (allotment.durable_w(found.rated_w) or 0.0) - _EPSILON_W
            if may_draw_more or self._sessions.get(found.charger) != found.session:
                watts = target_w if may_draw_more else (allotment.limit_w or 0.0)
                allotment.ask(min(watts, target_w), now_s)
                yield SetLimit(found.charger, min(watts, target_w), first)

    def _raise(self, now_s: float) -> Iterator[Step]:
        """Yield what gives power, as far as there is room now for all that may be drawn."""
        room_w = self._cap_w() - self._sum_w(now_s)
        for found, allotment, target_w in self._askable(now_s):
            limit_w = allotment.limit_w
            if limit_w is None or target_w <= limit_w + _EPSILON_W:
                continue
            counted_w = self._counted_w(found, now_s)
            possible_w = min(target_w, (counted_w + room_w) // _GRAIN_W * _GRAIN_W)
            if possible_w < target_w and possible_w - limit_w < max(_DIFFERENCE_W, _DIFFERENCE * limit_w):
                continue
            allotment.ask(possible_w, now_s)
            room_w -= max(0.0, self._counted_w(found, now_s) - counted_w)
            yield SetLimit(found.charger, possible_w)

    def _withdrawals(self, now_s: float) -> Iterator[Step]:
        """Yield which chargers lose their limit because smart-charging is another's, once there is room for that."""
        for found in self._facts.values():
            allotment = self._allotments[found.charger]
            if found.governed or not found.connected or not found.standing or allotment.asked_w is not None:
                continue
            if now_s < allotment.retry_at_s:
                continue
            others_w = self._sum_w(now_s) - self._counted_w(found, now_s)
            fits = others_w + self._after_withdrawal_w(found, now_s) <= self._cap_w() + _EPSILON_W
            if fits or now_s >= self._lost_at_s[found.charger] + WITHDRAW_WITHIN_S:
                self._release(found.charger, now_s)
                allotment.retry_at_s = now_s + WITHDRAW_WITHIN_S  # should the station refuse
                yield Withdraw(found.charger)

    def _release(self, charger: str, now_s: float) -> None:
        self._allotments[charger].released()
        self._free_since_s[charger] = now_s
        self._sessions.pop(charger, None)

    def _drop(self, charger: str) -> None:
        for table in (self._allotments, self._targets, self._sessions, self._lost_at_s, self._free_since_s):
            table.pop(charger, None)

    # -- the picture -------------------------------------------------------------------------------------------

    def _charger_load(self, found: Facts, now_s: float) -> ChargerLoad:
        allotment = self._allotments[found.charger]
        reading = self._fresh(found, now_s)
        idle = found.connected and _is_idle(found)
        measured_w = reading.watts if reading is not None else 0.0 if idle else None
        problem = allotment.problem
        if not found.governed and found.seen and measured_w is None:
            problem = "no fresh meter value: counted with all that it is built for"
        return ChargerLoad(
            found.charger,
            found.why_not,
            found.active_since_s is not None,
            measured_w,
            allotment.limit_w,
            self._counted_w(found, now_s),
            found.rated_w,
            problem,
        )


def _is_idle(found: Facts) -> bool:
    """Return True where no transaction is open, and the last meter value, however old, says nothing else."""
    return found.active_since_s is None and (found.reading is None or found.reading.watts <= _IDLE_W)
