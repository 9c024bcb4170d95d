"""Who is compared: each started alone on core 0, in front of the same CSMSs."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.certificate import BOTH, CERTIFICATE, write_certificate
from bench.generator import Generator

PROXY_CORE: Final = "0"
SOURCES: Final = Path(__file__).parents[1]
COMPILED: Final = SOURCES / "build" / "compiled"
"""Where `make build/compiled` leaves the relay with its data path compiled."""
_READY_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contestant is started: its port, the CSMSs' ports, a directory of its own, chargers to expect."""

    port: int
    csms_ports: tuple[int, ...]
    directory: Path
    chargers: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of those compared. `missing` says why it can't be started here, "" where it can."""

    name: str
    what: str
    command: Callable[[Place], Sequence[str]]
    missing: Callable[[], str]
    path: str = "/ocpp"
    backends: int = 1
    manner: str = "plain"
    """How stations connect: plain, tls, deflate."""


class Running:
    """A contestant that is up, its load generator beside it."""

    def __init__(self, process: "subprocess.Popen[str]", pid: int, generator: Generator) -> None:
        self.process = process
        self.pid = pid
        """The process that does the work: a child's where the program has workers."""
        self.generator = generator

    def tell(self, line: str) -> str:
        """Write a line to its stdin and return the line that answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@contextmanager
def running(contestant: Contestant, program: Path, directory: Path, chargers: int) -> Iterator[Running]:
    """Run a contestant and the generator for the block; the generator's CSMSs are there first."""
    own = directory / contestant.name.replace(" ", "-")
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    if contestant.manner == "tls":
        write_certificate(own / Path(CERTIFICATE).stem)
    port, *csms_ports = free_ports(1 + contestant.backends)
    place = Place(port, tuple(csms_ports), own, chargers)
    command = list(contestant.command(place))
    generator = Generator(
        program, csms_ports[0] if not command else port, contestant.path, csms_ports, contestant.manner
    )
    log = (own / "log").open("w")
    started = ["taskset", "-c", PROXY_CORE, *command] if command else ["sleep", "3600"]
    process = subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        if command:
            wait_for(port, process, own / "log")
        if "bench.relay_process" in command and process.stdout is not None:
            process.stdout.readline()
        yield Running(process, _worker(process.pid), generator)
    finally:
        generator.stop()
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        log.close()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    held = [socket.socket() for _ in range(count)]
    try:
        for sock in held:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in held]
    finally:
        for sock in held:
            sock.close()


def wait_for(port: int, process: "subprocess.Popen[str]", log: Path) -> None:
    """Return once `process` listens on `port`; raises RuntimeError with the end of its log."""
    until = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not come up: {log.read_text()[-2000:]}")


def _worker(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def _program(name: str) -> Callable[[], str]:
    return lambda: "" if found(name) else f"apt-get install {name}"


def found(name: str) -> str | None:
    """Return the path of a program that may be an administrator's."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _package(name: str, distribution: str) -> Callable[[], str]:
    return lambda: "" if importlib.util.find_spec(name) else f"pip install {distribution}"


def _nothing_missing() -> str:
    return ""


def _nginx(place: Place) -> Sequence[str]:
    config = place.directory / "nginx.conf"
    config.write_text(
        f"""daemon off; worker_processes 1; pid {place.directory}/pid; error_log {place.directory}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {place.directory}/body; proxy_temp_path {place.directory}/proxy;
  fastcgi_temp_path {place.directory}/f; uwsgi_temp_path {place.directory}/u; scgi_temp_path {place.directory}/s;
  server {{
    listen 127.0.0.1:{place.port} backlog=4096;
    location / {{
      proxy_pass http://127.0.0.1:{place.csms_ports[0]};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
      proxy_read_timeout 1h; proxy_send_timeout 1h;
    }}
  }}
}}
"""
    )
    return [found("nginx") or "nginx", "-c", str(config)]


def _haproxy(place: Place) -> Sequence[str]:
    config = place.directory / "haproxy.cfg"
    secured = "" if not (place.directory / BOTH).exists() else f" ssl crt {place.directory / BOTH} ssl-min-ver TLSv1.2"
    config.write_text(
        f"""global
  nbthread 1
  maxconn 9900
  tune.ssl.cachesize 0
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend stations
  bind 127.0.0.1:{place.port} backlog 4096{secured}
  default_backend csms
backend csms
  server csms 127.0.0.1:{place.csms_ports[0]}
"""
    )
    return [found("haproxy") or "haproxy", "-db", "-f", str(config)]


def _broker(place: Place) -> Sequence[str]:
    config = place.directory / "broker.yaml"
    config.write_text(
        f"""broker: {{host: 127.0.0.1, port: {place.port}}}
organizations:
  - name: ocpp
    connect_to_backend: true
    backends: [{{id: csms, url: "ws://127.0.0.1:{place.csms_ports[0]}/ocpp", leader: true}}]
"""
    )
    return [sys.executable, "-m", "bench.broker", str(config)]


def _passthrough(place: Place) -> Sequence[str]:
    return [sys.executable, "-m", "bench.passthrough", str(place.port), str(place.csms_ports[0])]


def _relay(roles: str, *, where: Path = COMPILED, manner: str = "plain") -> Callable[[Place], Sequence[str]]:
    """Return the command of the relay whose modules lie in `where`: a program's own directory is searched first."""

    def command(place: Place) -> Sequence[str]:
        head = [str(place.port), roles, manner, str(place.chargers), str(place.directory)]
        arguments = [*head, *map(str, place.csms_ports)]
        return ["env", "-C", str(where), sys.executable, "-m", "bench.relay_process", *arguments]

    return command


def _uncompiled() -> str:
    return "" if COMPILED.is_dir() else "make build/compiled"


DIRECT: Final = Contestant("direct", "no proxy: the generator's own ceiling", lambda place: (), _nothing_missing)
NGINX: Final = Contestant("nginx", "one worker, no access log", _nginx, _program("nginx"))
HAPROXY: Final = Contestant("haproxy", "one thread, mode http", _haproxy, _program("haproxy"))
PASSTHROUGH: Final = Contestant(
    "websockets", "the least that forwards with its asyncio API, on uvloop", _passthrough, _nothing_missing
)
BROKER: Final = Contestant("ocpp-broker", "one leader, logging off", _broker, _package("ocpp_broker", "ocpp-broker"))
RELAY: Final = Contestant("relay", "one owner; the data path compiled (`make compiled`)", _relay("owner"), _uncompiled)
INTERPRETED: Final = Contestant(
    "relay, interpreted",
    "the same as Python runs it from its sources",
    _relay("owner", where=SOURCES),
    _nothing_missing,
)
OBSERVER: Final = Contestant(
    "relay, 1 observer", "one owner, one observer of everything", _relay("observer"), _uncompiled, backends=2
)
OBSERVERS: Final = Contestant(
    "relay, 2 observers", "one owner, two observers of everything", _relay("observers"), _uncompiled, backends=3
)
HYBRID: Final = Contestant(
    "relay, hybrid", "metering has another owner than the rest", _relay("hybrid"), _uncompiled, backends=2
)
STANDBY: Final = Contestant(
    "relay, standby", "one owner, another CSMS stands by", _relay("standby"), _uncompiled, backends=2
)

HAPROXY_TLS: Final = replace(HAPROXY, name="haproxy, TLS", what="the same, ends the stations' TLS", manner="tls")
TLS: Final = Contestant(
    "relay, TLS",
    "one owner, stations over TLS with passwords",
    _relay("owner", manner="tls"),
    _uncompiled,
    manner="tls",
)
DEFLATE: Final = Contestant(
    "relay, deflate",
    "one owner, stations' messages compressed",
    _relay("owner", manner="deflate"),
    _uncompiled,
    manner="deflate",
)

ALL: Final = (
    *(DIRECT, NGINX, HAPROXY, PASSTHROUGH, BROKER),
    *(RELAY, INTERPRETED, OBSERVER, OBSERVERS, HYBRID, DEFLATE, TLS, HAPROXY_TLS),
)
