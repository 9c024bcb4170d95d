"""`python -m bench.storm`: a whole fleet comes back at once, over TLS and with passwords; see bench/RESULTS-storm.md.

The relay (or HAProxy) has core 0, the stations and the CSMS core 1. What counts is the CPU time of the process, which
other programs on the machine don't change by much; times on the clock they do.
"""

import argparse
import json
import os
import platform
import resource
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.accounting import cpu_s, processor, resident_kib
from bench.certificate import write_certificate
from bench.contestants import free_ports, wait_for
from bench.generator import compiled
from reconciler.adapters.password_key import make_password_key
from reconciler.app.stored_passwords import keyed_hash

RESULTS: Final = Path(__file__).with_name("RESULTS-storm.md")
FLEET: Final = 10_000
WITH_LEGS: Final = 6_000
"""Each takes two file descriptors, and for a moment three: the leg that closes. Common limits are 20,000."""
STORMS: Final = 2
SERVER_CORE: Final = "0"
LOAD_CORE: Final = "1"


@dataclass(frozen=True, slots=True)
class Storm:
    """How one storm went: seconds on the clock, CPU seconds of the server, its memory in KiB before and at its peak."""

    stations: int
    back: int
    half_s: float
    all_s: float
    cpu_s: float
    before_kib: int
    peak_kib: int
    failures: dict[str, int]

    @property
    def ms_each(self) -> float:
        """CPU of the server per station that came back, in milliseconds."""
        return self.cpu_s * 1000 / max(1, self.back)

    @property
    def locked_out(self) -> int:
        """Stations that were told that they may not come in."""
        return sum(self.failures.get(status, 0) for status in ("401", "403", "404", "429"))


class Peak:
    """The largest resident memory of a process while the block runs, looked at ten times a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self.kib = resident_kib(pid)

    def __enter__(self) -> "Peak":
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.kib = max(self.kib, resident_kib(self._pid))


def prepare(directory: Path) -> Path:
    """Write certificates, the password key and keyed hashes of all passwords; return the file of the passwords."""
    write_certificate(directory / "rsa", rsa_key=True)
    write_certificate(directory / "ecdsa")
    key = make_password_key(directory)
    stations = directory / "secrets" / "stations"
    stations.mkdir(parents=True)
    words = [secrets.token_urlsafe(15) for _ in range(FLEET)]
    for number, word in enumerate(words):
        (stations / f"CP{number:05d}").write_text(keyed_hash(word.encode(), key, secrets.token_hex(16)))
    passwords = directory / "passwords"
    passwords.write_text("\n".join(words))
    return passwords


def haproxy(directory: Path, port: int, csms_port: int) -> Sequence[str]:
    """Return the command of an HAProxy that ends the same TLS and dials the same CSMS; it asks for no password."""
    config = directory / "haproxy.cfg"
    config.write_text(
        f"""global
  nbthread 1
  maxconn 9000
  tune.ssl.cachesize 0
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend stations
  bind 0.0.0.0:{port} backlog 4096 ssl crt {directory}/rsa.both crt {directory}/ecdsa.both ssl-min-ver TLSv1.2
  default_backend csms
backend csms
  server csms 127.0.0.1:{csms_port}
"""
    )
    return ["haproxy", "-db", "-f", str(config)]


def relay(directory: Path, port: int, csms_port: int, count: int) -> Sequence[str]:
    """Return the command of the relay; without a CSMS (port 0) its own back-end `local` owns the stations."""
    return [sys.executable, "-m", "bench.storm_relay", str(port), str(count), str(directory), str(csms_port)]


def storms(command: Sequence[str], port: int, count: int, passwords: Path) -> Iterator[Storm]:
    """Start a server and yield each storm after the first arrival."""
    log = passwords.with_name("log").open("w")
    server = _started(SERVER_CORE, command, log)
    stations = _started(
        LOAD_CORE, [sys.executable, "-m", "bench.storm_stations", str(port), str(count), str(passwords)], log
    )
    try:
        if "bench.storm_relay" in command:
            assert server.stdout is not None
            server.stdout.readline()
        else:
            wait_for(port, server, passwords.with_name("log"))
        _tell(stations)  # the first arrival: code and pages are warm after it
        for _ in range(STORMS):
            before, used = resident_kib(server.pid), cpu_s(server.pid)
            with Peak(server.pid) as peak:
                told = _tell(stations)
            spent = cpu_s(server.pid) - used
            yield Storm(count, told["back"], told["half_s"], told["all_s"], spent, before, peak.kib, told["failures"])
    finally:
        for process in (stations, server):
            process.kill()
            process.wait()
        log.close()


def _started(core: str, command: Sequence[str], log: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["taskset", "-c", core, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
    )


def _tell(stations: "subprocess.Popen[str]") -> dict[str, Any]:
    assert stations.stdin is not None
    assert stations.stdout is not None
    stations.stdin.write("storm\n")
    stations.stdin.flush()
    answer: dict[str, Any] = json.loads(stations.stdout.readline())
    return answer


@contextmanager
def csms(directory: Path, port: int) -> Iterator[None]:
    """Run the CSMS of the load generator, which accepts every boot."""
    log = directory / "csms.log"
    command = [str(compiled(directory)), "1", "/ocpp", "plain", str(port)]
    with log.open("w") as written:
        process = _started(LOAD_CORE, command, written)
    try:
        wait_for(port, process, log)
        yield
    finally:
        process.kill()
        process.wait()


def measured(say: Any, fleet: int, with_legs: int) -> dict[str, list[Storm]]:
    """Return the storms of everything that is compared."""
    figures: dict[str, list[Storm]] = {}
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        directory = Path(name)
        passwords = prepare(directory)
        port, csms_port = free_ports(2)
        with csms(directory, csms_port):
            for title, command, count in (
                (f"relay, {fleet:,} stations", relay(directory, port, 0, fleet), fleet),
                ("relay, a CSMS leg each", relay(directory, port, csms_port, with_legs), with_legs),
                ("HAProxy, a CSMS leg each", haproxy(directory, port, csms_port), with_legs),
            ):
                figures[title] = []
                for storm in storms(command, port, count, passwords):
                    say(f"{title}: {storm}")
                    figures[title].append(storm)
    return figures


PAGE: Final = """# A whole fleet comes back at once

Written by `make bench-storm`. All stations lose their connection in the same moment and come back at once: TCP, TLS
(ECDSA P-256, no resumption), WebSocket with HTTP Basic against a keyed hash, BootNotification accepted. Who is not let
in tries again after 1 to 5 s. *CPU* is the server's, on one core; seconds on the clock depend on what else the machine
did meanwhile. *Locked out* counts answers 401, 403, 404 and 429; *failed tries* are those that were repeated.

{machine}; two storms each, after a first arrival.

| | back | locked out | CPU s | CPU ms per station | half / all back after s | MiB before | MiB at most | failed tries |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

In the first lines `local` owns the stations (no socket towards a CSMS): 10,000 sockets and as many legs exceed the
20,000 file descriptors that this machine gives a process. HAProxy dials the same CSMS, checks no password and reads no
frame. Per station the relay costs {ratio:.1f} times HAProxy's CPU for the same handshakes and dials.
"""


def rendered(figures: dict[str, list[Storm]]) -> str:
    """Return the page of results."""
    rows = [_row(title, one) for title, storms_of in figures.items() for one in storms_of]
    *_, ours, theirs = (min(one.ms_each for one in storms_of) for storms_of in figures.values())
    machine = f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return PAGE.format(machine=machine, rows="\n".join(rows), ratio=ours / max(0.001, theirs))


def _row(title: str, one: Storm) -> str:
    failed = ", ".join(f"{what} {count}" for what, count in sorted(one.failures.items())) or "-"
    return (
        f"| {title} | {one.back:,} of {one.stations:,} | {one.locked_out} | {one.cpu_s:.1f} | {one.ms_each:.2f} "
        f"| {one.half_s:.1f} / {one.all_s:.1f} | {one.before_kib / 1024:.0f} | {one.peak_kib / 1024:.0f} | {failed} |"
    )


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("--stations", type=int, default=FLEET)
    fleet = parser.parse_args().stations
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = measured(lambda line: print(line, file=sys.stderr, flush=True), fleet, min(fleet, WITH_LEGS))
    text = rendered(figures)
    if fleet == FLEET:
        RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
