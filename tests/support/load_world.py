"""A depot with plausible physics in virtual time, for load management: cars, chargers that obey, and a bad network.

The truth is kept here and nowhere else: what a charger draws follows from its car, its profile and its ratings, never
from what `Balance` believes. Everything random comes from one seed.
"""

from dataclasses import dataclass, field
from random import Random

from reconciler.local.load.allotments import Outcome
from reconciler.local.load.balance import Balance
from reconciler.local.load.facts import Facts, SetLimit, Terms, Withdraw
from reconciler.local.load.metering import Reading

OBEYS_WITHIN_S = 9.0
"""The slowest car there may be: IEC 61851 has it follow a new limit within 5 s."""


@dataclass
class Charger:
    """One charger and the car at it. Power in W."""

    name: str
    rated_w: float
    owner: str = "local"
    ramp_w_per_s: float = 3000.0
    answers: str = "well"
    """well; rejects; or loses: half of the answers never arrive, and half of those requests neither."""
    meters: bool = True
    profile_w: float | None = None
    older_profile_w: float | None = None
    """What it kept to before, for as long as the car may take to follow."""
    older_until_s: float = 0.0
    car_wants_w: float = 0.0
    since_s: float | None = None
    draws_w: float = 0.0
    reading: Reading | None = None
    meter_every_s: int = 15
    greedy: bool = False
    """Its cars take all they get, at once."""

    def take(self, watts: float | None, now_s: float) -> None:
        """Take a profile, or lose it."""
        self.older_profile_w, self.older_until_s = self.draws_w, now_s + OBEYS_WITHIN_S
        self.profile_w = watts

    def step(self, now_s: float) -> None:
        """Let a second pass."""
        allowed = self.rated_w if self.profile_w is None else min(self.rated_w, self.profile_w)
        wanted = min(self.car_wants_w, allowed) if self.since_s is not None else 0.0
        if self.since_s is not None and now_s < self.older_until_s and self.older_profile_w is not None:
            wanted = max(wanted, min(self.older_profile_w, self.draws_w))
        self.draws_w = min(wanted, self.draws_w + self.ramp_w_per_s)

    def facts(self, session: int = 1) -> Facts:
        """Return what the relay knows of it."""
        return Facts(
            self.name,
            self.rated_w,
            why_not="" if self.owner == "local" else f"{self.owner} owns smart-charging",
            session=session,
            active_since_s=self.since_s,
            reading=self.reading,
            standing=self.profile_w is not None,
        )


@dataclass
class World:
    """A depot, run second by second; `sums` is what was drawn at each, `steps` what was asked."""

    terms: Terms
    chargers: list[Charger]
    dice: Random
    now_s: float = 0.0
    sums: list[float] = field(default_factory=list)
    unforeseen: list[float] = field(default_factory=list)
    """At each second: what chargers that are not governed drew beyond what they were counted with."""
    asked: int = 0
    _under_way: list[tuple[float, str, Outcome]] = field(default_factory=list)
    _arriving: list[tuple[float, str, float | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.balance = Balance(self.terms)
        self.by_name = {charger.name: charger for charger in self.chargers}

    def run(self, seconds: int) -> None:
        """Let time pass."""
        for _ in range(seconds):
            self.now_s += 1
            self._network()
            self._look()
            for charger in self.chargers:
                charger.step(self.now_s)
            self._measure()

    def plug(self, charger: Charger, wants_w: float) -> None:
        """Have a car come."""
        charger.since_s, charger.car_wants_w = self.now_s, charger.rated_w if charger.greedy else wants_w

    def unplug(self, charger: Charger) -> None:
        """Have the car go; the relay hears of it."""
        charger.since_s, charger.draws_w, charger.reading = None, 0.0, None

    def _network(self) -> None:
        arriving, self._arriving = self._arriving, []
        for at_s, name, watts in arriving:
            if at_s <= self.now_s:
                self.by_name[name].take(watts, self.now_s)
            else:
                self._arriving.append((at_s, name, watts))
        under_way, self._under_way = self._under_way, []
        for at_s, name, outcome in under_way:
            if at_s <= self.now_s:
                self.balance.answered(name, outcome, self.now_s, "" if outcome == "accepted" else outcome)
            else:
                self._under_way.append((at_s, name, outcome))

    def _look(self) -> None:
        for step in self.balance.look([charger.facts() for charger in self.chargers], self.now_s):
            charger = self.by_name[step.charger]
            self.asked += 1
            match step:
                case SetLimit(name, watts):
                    self._ask(charger, name, watts)
                case Withdraw(name):
                    self._arriving.append((self.now_s + self.dice.randint(0, 2), name, None))

    def _ask(self, charger: Charger, name: str, watts: float) -> None:
        there_s = self.now_s + self.dice.randint(0, 2)
        back_s = there_s + self.dice.randint(0, 2)
        fate = self.dice.random()
        if charger.owner != "local" or (charger.answers == "rejects" and fate < 0.7):
            self._under_way.append((back_s, name, "rejected"))
        elif charger.answers == "loses" and fate < 0.5:
            if fate < 0.25:
                self._arriving.append((there_s, name, watts))
            self._under_way.append((self.now_s + 30, name, "lost"))
        else:
            self._arriving.append((there_s, name, watts))
            self._under_way.append((max(back_s, there_s), name, "accepted"))

    def _measure(self) -> None:
        self.sums.append(sum(charger.draws_w for charger in self.chargers))
        counted = {load.charger: load for load in self.balance.picture(self.now_s).chargers}
        self.unforeseen.append(
            sum(
                max(0.0, charger.draws_w - counted[charger.name].counted_w)
                for charger in self.chargers
                if counted[charger.name].limit_w is None
            )
        )
        for charger in self.chargers:
            due = charger.meters and charger.since_s is not None and self.now_s % charger.meter_every_s == 0
            if due:
                charger.reading = Reading(charger.draws_w, self.now_s)


def depot(
    seed: int, terms: Terms, *, governed: int = 12, foreign: int = 8, rated_w: float = 22_000, greedy: bool = False
) -> World:
    """Return a depot of `governed` chargers and `foreign` ones that a partner governs; half of them misbehave."""
    dice = Random(seed)
    chargers = [
        Charger(
            f"cp{number:02}",
            rated_w,
            owner="local" if number < governed else "partner",
            answers=dice.choice(["well", "well", "rejects", "loses"]),
            ramp_w_per_s=rated_w if greedy else dice.choice([1000.0, 3000.0, rated_w]),
            greedy=greedy,
            meter_every_s=dice.choice([10, 15, 60]),
        )
        for number in range(governed + foreign)
    ]
    return World(terms, chargers, dice)


def live_a_day(world: World, *, moments: int = 40, flips: int = 6) -> None:
    """Have cars come and go, meters fall silent and come back, and `flips` chargers change hands in the middle."""
    dice = world.dice
    world.run(40)  # every governed charger has its first limit before the first car comes
    for charger in dice.sample(world.chargers, len(world.chargers) * 3 // 4):
        world.plug(charger, dice.choice([11_000.0, charger.rated_w]))
        world.run(dice.randint(1, 20))
    for moment in range(moments):
        if moment == moments // 2:
            _flip(world, "local", "partner", flips)
        if moment == moments * 3 // 4:
            _flip(world, "partner", "local", flips // 2)
        _something_happens(world, dice.choice(world.chargers))
        world.run(dice.randint(1, 45))
    world.run(120)


def _flip(world: World, loser: str, winner: str, count: int) -> None:
    theirs = [charger for charger in world.chargers if charger.owner == loser]
    for charger in world.dice.sample(theirs, min(count, len(theirs))):
        charger.owner = winner


def _something_happens(world: World, charger: Charger) -> None:
    dice = world.dice
    if charger.since_s is None:
        world.plug(charger, dice.choice([3_700.0, 11_000.0, charger.rated_w]))
    elif dice.random() < 0.4:
        world.unplug(charger)
    elif dice.random() < 0.5:
        charger.meters = not charger.meters
    elif not charger.greedy:
        charger.car_wants_w = dice.uniform(0, charger.rated_w)
