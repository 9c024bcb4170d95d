"""`python -m bench.plans`: how long a plan takes, beside octoDNS planning as many records; writes RESULTS-plans.md.

Both parse YAML, compare with what is applied and print a plan. Of fwdctl a cold plan counts everything: a server that
starts on a database with the site applied, the command line that reads the files, and the answer. Times are what a
clock on the wall shows and what the processors worked; the latter hardly depends on what else the machine does.
"""

import argparse
import asyncio
import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import reconciler
from bench.plan_sites import write_site, write_zones
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.spec_files import read_texts, texts_of
from reconciler.adapters.store import open_store
from reconciler.app.ports import ResourceWrite, RevisionMeta
from reconciler.planning.documents import read_resources

RESULTS: Final = Path(__file__).with_name("RESULTS-plans.md")
SIZES: Final = (10_000, 100_000)
FASTER: Final = {10_000: 4.0, 100_000: 6.0}
ROUNDS: Final = 3
"""Of both tools by turns, of which the quickest counts: what takes two seconds is easily disturbed."""
MANY_ROUNDS_UP_TO: Final = 10_000
MEMORY_MAX_MB: Final = 1500
WARM_MAX_S: Final = 2.0
FWDCTL: Final = (sys.executable, "-c", "from reconciler.cli.main import main; main()")


@dataclass(frozen=True)
class Cost:
    """What something took: seconds on the wall, seconds of processors, the most memory of one process in MB."""

    wall_s: float
    cpu_s: float
    memory_mb: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s, self.memory_mb + other.memory_mb)


@dataclass(frozen=True)
class Row:
    """One size: octoDNS, a cold plan of fwdctl, and warm ones of a change in one line."""

    size: int
    octodns: Cost
    cold: Cost
    warm: Cost
    one_file: Cost


def run(command: Sequence[str | Path], environ: dict[str, str] | None = None) -> Cost:
    """Run a command to its end and return what it took; exit codes 0 and 2 are fine."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, env={**os.environ, **(environ or {})}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 2):
        raise RuntimeError(f"{command[:4]} exited with {process.returncode}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


class Server:
    """A `fwdctl serve`, and what it took so far."""

    def __init__(self, data: Path) -> None:
        self._data = data
        started = time.perf_counter()
        command = [*FWDCTL, "serve", "--data", str(data), "--stations", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if " ready: " in line:
                break
        self.start_s = time.perf_counter() - started
        self.environ = {"FWDCTL_URL": json.loads((data / "serve.json").read_text())["admin"]}

    def stop(self) -> Cost:
        """Stop it and return what it took in all; its wall time is that of the start."""
        self._process.terminate()
        assert self._process.stderr is not None
        self._process.stderr.close()
        _, _, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = 0
        return Cost(self.start_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


async def applied(data: Path, site: Path) -> None:
    """Put a site into a new database as an apply and a plan after it would have: with the texts that say it."""
    texts = texts_of([str(site)])
    assert texts is not None
    documents, _ = read_texts(texts)
    resources, findings = read_resources(documents)
    assert not findings, findings[:3]
    store = await open_store(None, data)
    try:
        writes = [ResourceWrite(str(found.address), found.content, 0) for found in resources]
        await store.commit_revision(writes, RevisionMeta(SystemClock().now(), "bench"), "setup")
        pairs = zip(resources, documents, strict=True)
        await store.learn_texts([(str(resource.address), 1, document.text) for resource, document in pairs])
    finally:
        await store.close()


def measured(size: int, folder: Path) -> Row:
    """Measure one size in `folder`."""
    zones = write_zones(folder / "zones", size)
    write_site(folder / "before", size, changed=False)
    write_site(folder / "after", size, changed=True)
    data = folder / "data"
    subprocess.run([sys.executable, "-m", "bench.plans", "--apply", str(folder / "before"), str(data)], check=True)
    theirs, ours = list[Cost](), list[Cost]()
    for _ in range(ROUNDS if size <= MANY_ROUNDS_UP_TO else 1):
        theirs.append(run([Path(sys.executable).with_name("octodns-sync"), "--config-file", zones.config, "--quiet"]))
        server = Server(data)
        first = run([*FWDCTL, "plan", "-f", folder / "after"], server.environ)
        ours.append(server.stop() + first)
    octodns, cold = (min(costs, key=lambda cost: cost.wall_s) for costs in (theirs, ours))
    server = Server(data)
    run([*FWDCTL, "plan", "-f", folder / "before"], server.environ)
    one = folder / "before" / "depot-000.yaml"
    one.write_text(one.read_text().replace("SN-000007", "SN-000007-new", 1))
    warm = run([*FWDCTL, "plan", "-f", folder / "before"], server.environ)
    one_file = run([*FWDCTL, "plan", "-f", one], server.environ)
    server.stop()
    return Row(size, octodns, cold, warm, one_file)


def verdict(met: bool) -> str:
    """Return how a target is told."""
    return "met" if met else "**missed**"


def rendered(rows: Sequence[Row]) -> str:
    """Return the tables as Markdown."""
    load = os.getloadavg()[0]
    lines = [
        "# Plans",
        "",
        f"Written by `make bench-plan` on {SystemClock().now():%Y-%m-%d %H:%M} UTC; {os.cpu_count()} processors, load "
        f"average {load:.1f} at the end, Python {sys.version.split()[0]}.",
        "octoDNS plans YAML against YAML; fwdctl a site of as many chargers against what is applied, the start of its "
        "server included. In both one in each thousand is changed. "
        f"Up to {MANY_ROUNDS_UP_TO:,} chargers each is the quickest of {ROUNDS} rounds, by turns.",
        "",
        "| | octoDNS wall / CPU / MB | fwdctl cold wall / CPU / MB | faster: wall | CPU | target | memory < 1500 MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        wall, cpu, least = (
            row.octodns.wall_s / row.cold.wall_s,
            row.octodns.cpu_s / row.cold.cpu_s,
            FASTER.get(row.size, 1.0),
        )
        told = [told_cost(row.octodns), told_cost(row.cold), f"{wall:.1f}x", f"{cpu:.1f}x"]
        ends = [f"{least:g}x: {verdict(wall >= least)}", verdict(row.cold.memory_mb < MEMORY_MAX_MB)]
        lines.append(f"| {row.size:,} | {' | '.join([*told, *ends])} |")
    lines += ["", "| warm server, one line changed | wall / CPU / MB of the command | target < 2 s |", "|---|---|---|"]
    for row in rows:
        for what, cost in (("whole directory given", row.warm), ("only its file given", row.one_file)):
            lines.append(f"| {row.size:,}, {what} | {told_cost(cost)} | {verdict(cost.wall_s < WARM_MAX_S)} |")
    return "\n".join(lines) + "\n"


def told_cost(cost: Cost) -> str:
    """Return a cost as a cell."""
    return f"{cost.wall_s:.1f} s / {cost.cpu_s:.1f} s / {cost.memory_mb:.0f}"


def main() -> int:
    """Measure, print and write; `--sizes` for other numbers of chargers."""
    parser = argparse.ArgumentParser(prog="python -m bench.plans", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--apply", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.apply:
        asyncio.run(applied(Path(arguments.apply[1]), Path(arguments.apply[0])))
        return 0
    compileall.compile_dir(Path(reconciler.__file__).parent, quiet=1)  # as an installation has it, octoDNS' too
    rows = []
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(prefix="bench-plans-") as name:
            rows.append(measured(size, Path(name)))
            print(
                f"{size}: octodns {rows[-1].octodns}, cold {rows[-1].cold}, warm {rows[-1].warm}",
                file=sys.stderr,
                flush=True,
            )
    text = rendered(rows)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
