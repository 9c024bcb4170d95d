"""`python -m bench.flips`: an apply that flips a live fleet, with `fwdctl serve` on one core; writes RESULTS-flips.md.

Stations and CSMS are the load generator's, on the other core, and calls go on all the while; the data path is the
compiled one. Both ways are taken: from the CSMS to `local`, and back. What is measured: from the commit of the apply to
its result, what the server worked meanwhile, who lost a connection, and how long the slowest call took to be answered.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.accounting import cpu_s, processor
from bench.contestants import COMPILED, free_ports
from bench.generator import Generator, compiled
from bench.plans import FWDCTL, verdict

RESULTS: Final = Path(__file__).with_name("RESULTS-flips.md")
FLEET: Final = 10_000
APART: Final = 100
"""Chargers that `local` serves alone, and no flip touches: a station and a CSMS leg each would be 20,000 sockets."""
RATE: Final = 500
"""Calls a second of the whole fleet: a meter value every 20 seconds of each station."""
SERVER_CORE: Final = "0"
SECONDS_MAX: Final = 3.0
DELAY_MAX_MS: Final = 250.0

SHARED: Final = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: csms}}
spec: {{url: "ws://127.0.0.1:{port}/ocpp", versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: fleet}}
spec:
  chargers: {{labels: {{fleet: live}}}}
  backends: [{{backend: csms, role: {csms}}}, {{backend: local, role: {local}}}]
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: apart}}
spec:
  chargers: {{labels: {{fleet: apart}}}}
  backends: [{{backend: local, role: primary}}]
"""
CHARGER: Final = """\
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp{number:05}, labels: {{fleet: {fleet}}}}}
spec: {{identity: CP{number:05}, versions: [ocpp1.6], securityProfile: open}}
"""


@dataclass(frozen=True, slots=True)
class Flip:
    """How one apply went; `still_max_ms` is the slowest answer of as long a while without any flip."""

    way: str
    flipped: int
    not_flipped: int
    seconds: float
    server_cpu_s: float
    command_s: float
    max_ms: float
    p99_ms: float
    errors: int
    still_max_ms: float
    still_p99_ms: float


def write_site(folder: Path, port: int, chargers: int, apart: int, owner: str) -> Path:
    """Write the site with `owner` ("csms" or "local") in charge of the fleet; return its folder."""
    folder.mkdir(exist_ok=True)
    roles = {"csms": "passive", "local": "passive", owner: "primary"}
    (folder / "000-shared.yaml").write_text(SHARED.format(port=port, **roles))
    for first in range(0, chargers, 1000):
        numbers = range(first, min(first + 1000, chargers))
        text = "".join(
            CHARGER.format(number=number, fleet="apart" if number >= chargers - apart else "live") for number in numbers
        )
        (folder / f"chargers-{first:05}.yaml").write_text(text)
    return folder


@contextmanager
def server(data: Path, port: int, log: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Run `fwdctl serve` on a core of its own; give its process id, and the variables by which commands reach it."""
    where = ["--data", str(data), "--stations", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0"]
    with log.open("w") as written:
        command = ["taskset", "-c", SERVER_CORE, *FWDCTL, "serve", *where]
        process = subprocess.Popen(command, stderr=written, cwd=COMPILED)
        try:
            while " ready: " not in log.read_text():
                if process.poll() is not None:
                    raise RuntimeError(log.read_text())
                time.sleep(0.1)
            address = json.loads((data / "serve.json").read_text())["admin"]
            yield process.pid, {**os.environ, "FWDCTL_URL": address}
        finally:
            process.terminate()
            process.wait()


def apply(site: Path, environ: dict[str, str], pid: int) -> tuple[float, float, dict[str, Any]]:
    """Apply a site; return the seconds from commit to result, the server's CPU in them, and the result."""
    limits = ["--max-disruption", "100%", "--reason", "bench", "--json"]
    command = [*FWDCTL, "apply", "-f", str(site), "--auto-approve", *limits]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    began, used = time.perf_counter(), cpu_s(pid)
    result: dict[str, Any] = {}
    for line in process.stdout:
        said = json.loads(line)
        if said.get("step") == "committed":
            began, used = time.perf_counter(), cpu_s(pid)
        if said["type"] == "result":
            result = said["result"]
            break
    ended = time.perf_counter() - began, cpu_s(pid) - used
    if process.wait() not in (0, 7):
        raise RuntimeError(f"the apply exited with {process.returncode}")
    return *ended, result


def flips(folder: Path, chargers: int, apart: int, seconds: float) -> Iterator[Flip]:
    """Yield each flip of a fleet that is connected and calls."""
    port, csms_port = free_ports(2)
    generator = Generator(compiled(folder), port, "", [csms_port])
    try:
        with server(folder / "data", port, folder / "log") as (pid, environ):
            apply(write_site(folder / "site", csms_port, chargers, apart, "csms"), environ, pid)
            generator.connect(chargers)
            for owner, way in (("local", "csms -> local"), ("csms", "local -> csms")):
                still = generator.paced(RATE, seconds, pid, warm_s=2.0)
                site = write_site(folder / "site", csms_port, chargers, apart, owner)
                generator.start_paced(RATE, seconds, pid)
                started = time.perf_counter()
                took_s, worked_s, result = apply(site, environ, pid)
                command_s = time.perf_counter() - started
                seen = generator.window()  # raises where a station lost its connection
                verdicts = [one["verdict"] for one in result["results"]]
                yield Flip(
                    way,
                    verdicts.count("applied"),
                    len(verdicts) - verdicts.count("applied"),
                    took_s,
                    worked_s,
                    command_s,
                    seen.max_us / 1000,
                    seen.p99_us / 1000,
                    seen.errors,
                    still.max_us / 1000,
                    still.p99_us / 1000,
                )
    finally:
        generator.stop()


def rendered(found: Sequence[Flip], chargers: int, apart: int) -> str:
    """Return the page of results."""
    lines = [
        "# A flip of a live fleet, by an apply",
        "",
        f"Written by `make bench-flips`; {processor()}, {os.cpu_count()} cores, load average"
        f" {os.getloadavg()[0]:.1f} at the end, Python {platform.python_version()}. `fwdctl serve`, its"
        " data path compiled, has core 0,"
        f" {chargers:,} stations and their CSMS core 1; they make {RATE:,} calls a second in all. {apart} of them"
        " are connected and not flipped, as a process may not have more sockets here. *CPU* is the server's from commit"
        " to result, the calls of that while included.",
        "",
        f"| | flipped | not | commit to result (< {SECONDS_MAX:g} s) | CPU | whole command | connections lost |"
        f" slowest answer (< {DELAY_MAX_MS:g} ms) | p99 | without a flip: slowest, p99 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for flip in found:
        lines.append(
            f"| {flip.way} | {flip.flipped:,} | {flip.not_flipped} | {flip.seconds:.2f} s:"
            f" {verdict(flip.seconds < SECONDS_MAX)} | {flip.server_cpu_s:.2f} s | {flip.command_s:.1f} s | 0 |"
            f" {flip.max_ms:.0f} ms: {verdict(flip.max_ms < DELAY_MAX_MS)} | {flip.p99_ms:.0f} ms |"
            f" {flip.still_max_ms:.0f} ms, {flip.still_p99_ms:.0f} ms |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.flips", description=__doc__)
    parser.add_argument("--stations", type=int, default=FLEET)
    parser.add_argument("--window", type=float, default=30.0, help="Seconds of calls; an apply has to fit in.")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    apart = APART if given.stations > APART else 0
    with tempfile.TemporaryDirectory(prefix="bench-flips-") as name:
        found = []
        for flip in flips(Path(name), given.stations, apart, given.window):
            print(flip, file=sys.stderr, flush=True)
            found.append(flip)
    text = rendered(found, given.stations, apart)
    if given.stations == FLEET:
        RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
