"""Logs: one line an event on stderr, JSON for machines, coloured columns for a terminal."""

import logging
import os
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TextIO


@contextmanager
def _as_if_not_installed(library: str) -> Iterator[None]:
    """Have imports within the block do without a library, unless it is loaded already."""
    loaded = library in sys.modules
    if not loaded:
        sys.modules[library] = None  # type: ignore[assignment]  # which is how import is told so
    try:
        yield
    finally:
        if not loaded:
            del sys.modules[library]


# It would load it for tracebacks that print local variables, passwords among them; that is a tenth of a start.
with _as_if_not_installed("rich"):
    import structlog

get_logger = structlog.get_logger

MASK: Final = "***"
LINES_MAX: Final = 50
WINDOW_S: Final = 10.0
_SECRET_FIELDS: Final = frozenset({"authorization", "password", "secret", "token", "private_key", "cookie"})


def configure_logs(stream: TextIO, level: str = "info", *, worker: str = "") -> None:
    """Send structlog's and the standard library's events to `stream`, as JSON unless it is a terminal.

    `worker` is named in every line, where the server is several processes. Raises ValueError where `level` is no level
    of the standard library.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    if worker:
        shared.append(_named(worker))
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for talkative in ("alembic", "uvicorn"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the event with every field that is named like a secret masked: the last line, not the first."""
    for name in event.keys() & _SECRET_FIELDS:
        event[name] = MASK
    return event


def _named(worker: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["worker"] = worker
        return event

    return add


def _rendering(stream: TextIO) -> list[structlog.typing.Processor]:
    if stream.isatty():
        # Plain tracebacks: the pretty ones print local variables, passwords among them.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


class EventLog:
    """Implements `app.ports.Log`: of one event `LINES_MAX` lines in `WINDOW_S`, then one that says how many more.

    Event names are a closed set, so what it remembers is bounded.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._logger = structlog.get_logger("relay")
        self._windows: dict[str, _Window] = {}

    def __call__(self, event: str, **fields: object) -> None:
        """Log `event` with its fields, or count it where there are too many of it."""
        now_s = self._monotonic_s()
        window = self._windows.get(event)
        if window is None or now_s - window.began_s >= WINDOW_S:
            if window is not None and window.lines > LINES_MAX:
                self._logger.warning("lines left out", of=event, count=window.lines - LINES_MAX)
            window = self._windows[event] = _Window(now_s)
        window.lines += 1
        if window.lines <= LINES_MAX:
            self._logger.info(event, **fields)


@dataclass(slots=True)
class _Window:
    began_s: float
    lines: int = 0
