"""RESULTS.md: the table, the targets beside the figures, and under what conditions they were taken."""

import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from bench import contestants
from bench.accounting import processor
from bench.contestants import BROKER, DIRECT, HAPROXY, HYBRID, OBSERVERS, PASSTHROUGH, RELAY, STANDBY, TLS
from bench.measuring import Figures, Size

COLUMNS = (
    ("us/message", "CPU µs per forwarded message"),
    ("trips/core s", "round trips per core-second"),
    ("p50", "p50 µs"),
    ("p99", "p99 µs"),
    ("KiB/charger", "KiB per idle charger"),
    ("us/set-up", "CPU µs per set-up"),
    ("us/message at 1,000", "CPU µs per message at 1,000"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the targets: at most (or at least) `bound`."""

    what: str
    value: Callable[[Figures], float | None]
    bound: float
    unit: str = "x"
    at_least: bool = False

    def verdict(self, figures: Figures) -> tuple[str, str]:
        """Return the figure and whether it meets the target, in words."""
        value = self.value(figures)
        if value is None:
            return "–", "not measured"
        met = value >= self.bound if self.at_least else value <= self.bound
        return f"{value:,.2f} {self.unit}", "met" if met else "**missed**"


def _times(figure: str, name: str, other: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.ratio(figure, name, other)


def _added_p99(figures: Figures) -> float | None:
    mine, theirs, direct = (figures.middle(each.name, "p99") for each in (RELAY, HAPROXY, DIRECT))
    if mine is None or theirs is None or direct is None or theirs <= direct:
        return None
    return (mine - direct) / (theirs - direct)


def _each_observer(figures: Figures) -> float | None:
    ratio = figures.ratio("us/message", OBSERVERS.name, RELAY.name)
    return None if ratio is None else (ratio - 1) / 2 * 100


def _growth(figures: Figures) -> float | None:
    many, few = figures.middle(RELAY.name, "us/message, many"), figures.middle(RELAY.name, "us/message at 1,000")
    return many / few if many and few else None


TARGETS = (
    Target("CPU per forwarded message, of HAProxy's", _times("us/message", RELAY.name, HAPROXY.name), 2.0),
    Target(
        "CPU per forwarded message, of the pass-through's", _times("us/message", RELAY.name, PASSTHROUGH.name), 0.75
    ),
    Target("CPU per forwarded message, of ocpp-broker's", _times("us/message", RELAY.name, BROKER.name), 0.4),
    Target("each observer more", _each_observer, 60.0, "%"),
    Target("hybrid roles, of one owner's", _times("us/message", HYBRID.name, RELAY.name), 1.15),
    Target("added p99 at 1,000 chargers, of HAProxy's", _added_p99, 2.0),
    Target("memory per idle charger", lambda figures: figures.middle(RELAY.name, "KiB/charger"), 30.0, "KiB"),
    Target("the same over TLS", lambda figures: figures.middle(TLS.name, "KiB/charger"), 45.0, "KiB"),
    Target(
        "longest delay in a flip of all",
        lambda figures: figures.middle(STANDBY.name, "longest delay in a flip, ms"),
        250.0,
        "ms",
    ),
    Target(
        "flips per core-second",
        lambda figures: figures.middle(STANDBY.name, "flips/core s"),
        4_000.0,
        "",
        at_least=True,
    ),
    Target("CPU per message with many chargers, of that at 1,000", _growth, 1.15),
)


def rendered(figures: Figures, size: Size) -> str:
    """Return RESULTS.md."""
    others = figures.samples["", "cores of others"]
    parts = [
        "# Results of `make bench`",
        "",
        "Written by the run. The machine may be shared: read ratios, not absolute values; medians, and lowest to "
        "highest of the rounds in brackets.",
        "",
        *_conditions(size),
        f"* Cores that other processes had during the runs: median {median(others):.2f}, at most {max(others):.2f}. "
        + ("**Contaminated**: delays above all are not to be trusted." if median(others) > 0.1 else "Undisturbed."),
        "",
        "## Targets",
        "",
        *_table(("figure", "target", "measured", ""), (_target_row(target, figures) for target in TARGETS)),
        "",
        "10,000 stations that come back over TLS with passwords: [RESULTS-storm.md](RESULTS-storm.md). "
        "Why targets were missed: [docs/capacity.md](../docs/capacity.md#targets-that-were-missed-and-why).",
        "",
        "## Contestants",
        "",
        *_table(("", *(title for _, title in COLUMNS)), [_row(figures, each) for each in contestants.ALL]),
        "",
        *(f"* {each.name}: {each.what}." for each in contestants.ALL),
        "",
        "CPU per message and round trips: 100 stations, each with a call under way all the time. All else: 1,000 "
        "stations, 2,000 calls a second. A round trip is two forwarded messages; an observer's copies are not "
        "counted, so that its cost shows.",
        "",
        f"## {size.many:,} chargers, and a flip of {size.flipped:,}",
        "",
        *_table(("contestant", "figure", "value"), _others(figures)),
        "",
        f"The generator itself, without a proxy: {_spread(figures, DIRECT.name, 'trips/s')} round trips a second.",
        "",
        *(f"* {name}: {why}" for name, why in figures.failures.items()),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _conditions(size: Size) -> list[str]:
    packages = ", ".join(f"{name} {_version(name)}" for name in ("websockets", "uvloop", "msgspec", "ocpp-broker"))
    programs = ", ".join(_output("nginx", "-v") + _output("haproxy", "-v"))
    return [
        f"* Machine: {processor()}, {os.cpu_count()} cores; proxy alone on core 0, stations and CSMSs on core 1.",
        f"* Versions: Linux {platform.release()}, Python {platform.python_version()}, {packages}; {programs}.",
        f"* Commit: {(_output('git', 'describe', '--always', '--dirty') or ['unknown'])[0]}.",
        f"* Rounds: {size.rounds} saturated, {size.moderate_rounds} of all else, in shuffled order; "
        f"windows of {size.window_s:g} s.",
    ]


def _target_row(target: Target, figures: Figures) -> tuple[str, ...]:
    bound = f"at {'least' if target.at_least else 'most'} {target.bound:,g} {target.unit}".rstrip()
    return (target.what, bound, *target.verdict(figures))


def _row(figures: Figures, contestant: contestants.Contestant) -> tuple[str, ...]:
    return (contestant.name, *(_spread(figures, contestant.name, figure) for figure, _ in COLUMNS))


def _others(figures: Figures) -> list[tuple[str, ...]]:
    wanted = (", many", "flip")
    return [
        (name, figure, _spread(figures, name, figure))
        for name, figure in figures.samples
        if any(word in figure for word in wanted) or figure.startswith("longest")
    ]


def _spread(figures: Figures, name: str, figure: str) -> str:
    values = figures.samples.get((name, figure))
    if not values:
        return figures.failures.get(name, "–")
    digits = 1 if median(values) < 1000 else 0
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "missing"


def _output(program: str, *arguments: str) -> list[str]:
    """Return the first line that a program prints, as a list of one; nothing where it is not there."""
    path = contestants.found(program)
    if path is None:
        return []
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[:1]
