"""The runs: each starts one contestant anew, loads it in one way, and notes figures under its name."""

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from bench import contestants
from bench.accounting import busy_s, cpu_s, resident_kib
from bench.contestants import Contestant, Running, running
from bench.generator import LoadFailed, Window

SATURATING: Final = 100
MODERATE: Final = 1_000
MODERATE_RATE: Final = 2_000.0
REST_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Size:
    """How long and how often; `many` chargers for growth, `flipped` for the flip of all."""

    rounds: int
    moderate_rounds: int
    window_s: float
    many: int
    flipped: int


QUICK: Final = Size(rounds=3, moderate_rounds=2, window_s=1.5, many=3_000, flipped=1_000)
FULL: Final = Size(rounds=7, moderate_rounds=5, window_s=2.0, many=9_000, flipped=6_000)


@dataclass(slots=True)
class Figures:
    """All samples of one run of the benchmark: (contestant, figure) -> one number a round."""

    samples: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[str, str] = field(default_factory=dict)
    """What could not be measured, and why."""

    def note(self, name: str, figure: str, value: float) -> None:
        """Add a sample."""
        self.samples[name, figure].append(value)

    def middle(self, name: str, figure: str) -> float | None:
        """Return the median, None where nothing was measured."""
        values = self.samples.get((name, figure))
        return median(values) if values else None

    def ratio(self, figure: str, name: str, other: str) -> float | None:
        """Return one contestant's median as a multiple of another's."""
        mine, theirs = self.middle(name, figure), self.middle(other, figure)
        return mine / theirs if mine is not None and theirs else None


class Bench:
    """Runs everything in shuffled order, round by round; `say` is told of each run."""

    def __init__(self, program: Path, directory: Path, size: Size, say: Callable[[str], None]) -> None:
        self.figures = Figures()
        self._program = program
        self._directory = directory
        self._size = size
        self._say = say
        self._random = random.Random(1)

    def run(self) -> Figures:
        """Measure everything."""
        present = [each for each in contestants.ALL if not self._is_missing(each)]
        for _ in range(self._size.rounds):
            self._round(present, self.saturated)
        for _ in range(self._size.moderate_rounds):
            self._round(present, self.moderate)
            self._round([contestants.HAPROXY, contestants.RELAY], self.many)
            self._round([contestants.STANDBY], self.flip)
        return self.figures

    def _is_missing(self, contestant: Contestant) -> bool:
        how = contestant.missing()
        if how:
            self.figures.failures[contestant.name] = f"missing: {how}"
        return bool(how)

    def _round(self, present: list[Contestant], measure: Callable[[Contestant], None]) -> None:
        for contestant in self._random.sample(present, len(present)):
            if contestant.missing():
                continue
            try:
                measure(contestant)
            except (LoadFailed, OSError, RuntimeError, ValueError) as error:
                self.figures.failures[f"{contestant.name}, {measure.__name__}"] = str(error)
                self._say(f"{contestant.name}, {measure.__name__}: {error}")

    # -- the runs ----------------------------------------------------------------------------------------------

    def saturated(self, contestant: Contestant) -> None:
        """100 stations that always have a call under way."""
        with self._up(contestant, SATURATING) as up:
            up.generator.connect(SATURATING)
            window = up.generator.closed(self._size.window_s, up.pid)
            note = self._noting(contestant)
            note("us/message", window.us_per_message)
            if window.proxy_cpu_s:
                note("trips/core s", window.trips_per_core_s)
            note("trips/s", window.trips / window.seconds)
            note("generator", window.generator_cpu_s / window.seconds)
            self._told(contestant, "saturated", window)

    def moderate(self, contestant: Contestant) -> None:
        """1,000 stations, and 2,000 calls a second in all: delays, memory, set-up."""
        with self._up(contestant, MODERATE) as up:
            note = self._noting(contestant)
            set_up_us, kib = self._ramp(up, MODERATE)
            note("us/set-up", set_up_us)
            note("KiB/charger", kib)
            window = up.generator.paced(MODERATE_RATE, self._size.window_s, up.pid)
            note("us/message at 1,000", window.us_per_message)
            note("p50", window.p50_us)
            note("p99", window.p99_us)
            self._told(contestant, "moderate", window)

    def many(self, contestant: Contestant) -> None:
        """As `moderate`, with as many stations as the run is for."""
        with self._up(contestant, self._size.many) as up:
            note = self._noting(contestant)
            set_up_us, kib = self._ramp(up, self._size.many)
            note("us/set-up, many", set_up_us)
            note("KiB/charger, many", kib)
            window = up.generator.paced(MODERATE_RATE, 2 * self._size.window_s, up.pid)
            note("us/message, many", window.us_per_message)
            self._told(contestant, f"{self._size.many} chargers", window)

    def flip(self, contestant: Contestant) -> None:
        """All chargers change owners under a light load, whose CPU is counted as theirs."""
        with self._up(contestant, self._size.flipped) as up:
            up.generator.connect(self._size.flipped)
            calm = up.generator.paced(1_000, self._size.window_s, up.pid)
            up.generator.start_paced(1_000, 4 * self._size.window_s + 2, up.pid, warm_s=0.1)
            time.sleep(0.5)
            cpu = cpu_s(up.pid)
            said = json.loads(up.tell("flip"))
            cpu = cpu_s(up.pid) - cpu
            window = up.generator.window()
            note = self._noting(contestant)
            note("flips/core s", said["flips"] / max(cpu, 0.01))
            note("flip failed", said["failed"])
            note("flip seconds", said["seconds"])
            note("longest delay in a flip, ms", window.max_us / 1000)
            note("longest delay without, ms", calm.max_us / 1000)
            self._told(contestant, f"{said['flips']} flips in {said['seconds']:.2f} s", window)

    # -- parts -------------------------------------------------------------------------------------------------

    @contextmanager
    def _up(self, contestant: Contestant, chargers: int) -> Iterator[Running]:
        """Run a contestant, and note how much of the machine others had meanwhile."""
        with running(contestant, self._program, self._directory, chargers) as up:
            time.sleep(0.2)
            ours = cpu_s(up.pid) + cpu_s(up.generator.pid)
            began, busy = time.monotonic(), busy_s()
            yield up
            ours = cpu_s(up.pid) + cpu_s(up.generator.pid) - ours
            others = busy_s() - busy - ours
            self.figures.note("", "cores of others", max(0.0, others) / (time.monotonic() - began))

    def _ramp(self, up: Running, count: int) -> tuple[float, float]:
        """Connect `count` stations that exchange a message and rest; return CPU us and KiB for each."""
        kib, cpu = resident_kib(up.pid), cpu_s(up.pid)
        up.generator.connect(count)
        cpu = cpu_s(up.pid) - cpu
        up.generator.paced(count, 1.2, up.pid, warm_s=0.0)
        time.sleep(REST_S)
        return cpu * 1e6 / count, (resident_kib(up.pid) - kib) / count

    def _noting(self, contestant: Contestant) -> Callable[[str, float], None]:
        return lambda figure, value: self.figures.note(contestant.name, figure, value)

    def _told(self, contestant: Contestant, load: str, window: Window) -> None:
        wrong = f", {window.errors} errors" if window.errors else ""
        self._say(f"{contestant.name}, {load}: {window.us_per_message:.1f} us/message, p99 {window.p99_us} us{wrong}")
