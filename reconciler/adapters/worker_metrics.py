"""The metrics of several processes of one machine in one exposition: each has a window, the front looks through all.

A series carries the label `worker`, and is not added up here: of a sum Prometheus could not see that one of its parts
began anew at 0.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

WINDOWS: Final = "workers"
"""The folder of windows in the data directory, which is its user's alone."""
ANSWERS_WITHIN_S: Final = 2.0


@asynccontextmanager
async def window(data: Path, worker: str, exposition: Callable[[], bytes]) -> AsyncIterator[None]:
    """Give `exposition` to whoever opens the worker's window, for the block."""

    async def shown(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(exposition())
        with suppress(OSError):
            await writer.drain()
        writer.close()

    folder = data / WINDOWS
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / worker).unlink(missing_ok=True)  # a killed worker's
    with _within(folder) as short:
        server = await asyncio.start_unix_server(shown, short / worker)
    try:
        yield
    finally:
        server.close()
        (folder / worker).unlink(missing_ok=True)


class AllWorkers:
    """What `/metrics` of the front shows."""

    def __init__(self, data: Path, own: str, exposition: Callable[[], bytes], others: Sequence[str]) -> None:
        self._folder = data / WINDOWS
        self._own = own
        self._exposition = exposition
        self._others = others

    async def exposition(self) -> bytes:
        """Return everything in Prometheus' text format; a worker that does not answer is down."""
        texts = await asyncio.gather(*(self._of(worker) for worker in self._others))
        found = {self._own: self._exposition().decode()} | dict(zip(self._others, texts, strict=True))
        registry = CollectorRegistry()
        registry.register(_Merged(found))
        return generate_latest(registry)

    async def _of(self, worker: str) -> str:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                with _within(self._folder) as short:
                    reader, writer = await asyncio.open_unix_connection(short / worker)
                try:
                    return (await reader.read()).decode()
                finally:
                    writer.close()
        except OSError:  # TimeoutError is one
            return ""


class _Merged:
    """A collector of what several processes show, by worker; "" is shown by one that is down."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterable[Metric]:
        """Return all families, each once."""
        families: dict[str, Metric] = {}
        up = GaugeMetricFamily(
            "fwdctl_worker_up", "1 for a process that answers, 0 for one that does not.", None, ["worker"]
        )
        for worker, text in self._texts.items():
            up.add_metric([worker], float(bool(text)))
            for family in text_string_to_metric_families(text):
                merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    merged.add_sample(sample.name, {**sample.labels, "worker": worker}, sample.value)
        return (up, *families.values())


@contextmanager
def _within(folder: Path) -> Iterator[Path]:
    """Yield the folder under a name that is short: a socket's path may have a hundred characters only."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
