"""The load generator, as Python sees it: compiled when first needed, driven over stdin and stdout."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.accounting import TICK_S

GENERATOR_CORE: Final = "1"
SOURCE: Final = Path(__file__).with_name("load.c")
PASSWORD: Final = "bench-bench-bench"
"""Every station's, as `load.c` has it."""


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen in one window; delays are per round trip, from the station's side."""

    trips: int
    seconds: float
    proxy_cpu_s: float
    generator_cpu_s: float
    p50_us: int
    p99_us: int
    max_us: int
    errors: int

    @property
    def us_per_message(self) -> float:
        """The proxy's CPU per forwarded message of the station and its owner: two for a round trip."""
        return self.proxy_cpu_s * 1e6 / max(1, 2 * self.trips)

    @property
    def trips_per_core_s(self) -> float:
        """Round trips a second that one core would carry."""
        return self.trips / max(TICK_S, self.proxy_cpu_s)


class LoadFailed(Exception):
    """Raised when stations could not connect, or the generator ended."""


def compiled(directory: Path) -> Path:
    """Return the generator's program, built with the system's C compiler; without OpenSSL and zlib, for plain only."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise LoadFailed("the load generator needs a C compiler: apt-get install gcc libc6-dev")
    program = directory / "load"
    command = [compiler, "-O2", "-o", str(program), str(SOURCE)]
    if subprocess.run([*command, "-lssl", "-lcrypto", "-lz"], stderr=subprocess.DEVNULL, check=False).returncode:
        subprocess.run([*command, "-DPLAIN_ONLY"], check=True)
    return program


class Generator:
    """Stations and CSMSs on a core of their own; stations connect to `port`, CSMSs listen on `csms_ports`.

    `manner` is how stations connect: plain, tls (with a password, `PASSWORD`) or deflate (OCPP 2.0.1).
    """

    def __init__(self, program: Path, port: int, path: str, csms_ports: Sequence[int], manner: str = "plain") -> None:
        ports = [str(at) for at in csms_ports]
        self._process = subprocess.Popen(
            ["taskset", "-c", GENERATOR_CORE, str(program), str(port), path, manner, *ports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        """`taskset` has become the generator by the time it answers."""
        self._answer()

    def connect(self, count: int, in_flight: int = 32) -> float:
        """Connect `count` stations in all, each having booted; return how long it took."""
        self._say(f"connect {count} {in_flight}")
        answer = self._answer()
        if answer["connected"] != count or answer["failed"]:
            raise LoadFailed(f"{answer['connected']} of {count} stations connected, {answer['failed']} lost")
        return float(answer["seconds"])

    def closed(self, seconds: float, proxy_pid: int, warm_s: float = 0.4) -> Window:
        """Saturate: every station sends as soon as it is answered."""
        self._say(f"closed {warm_s} {seconds} {proxy_pid}")
        return self.window()

    def paced(self, rate: float, seconds: float, proxy_pid: int, warm_s: float = 0.4) -> Window:
        """Send `rate` calls a second in all, whatever the answers do."""
        self.start_paced(rate, seconds, proxy_pid, warm_s)
        return self.window()

    def start_paced(self, rate: float, seconds: float, proxy_pid: int, warm_s: float = 0.4) -> None:
        """The same without waiting; `window` returns what was seen."""
        self._say(f"paced {rate} {warm_s} {seconds} {proxy_pid}")

    def window(self) -> Window:
        """Return what the window under way has seen once it is over; raises LoadFailed where stations were lost."""
        said = self._answer()
        if said["gone"]:
            raise LoadFailed(f"{said['gone']} stations lost their connection")
        return Window(
            said["trips"],
            said["seconds"],
            said["proxy_ticks"] * TICK_S,
            said["own_ticks"] * TICK_S,
            said["p50_us"],
            said["p99_us"],
            said["max_us"],
            said["errors"],
        )

    def stop(self) -> None:
        """End the process, and with it every connection."""
        self._process.kill()
        self._process.communicate()

    def _say(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LoadFailed(
                "the load generator ended by itself; TLS and deflate need apt-get install libssl-dev zlib1g-dev"
            )
        said: dict[str, Any] = json.loads(line)
        return said
