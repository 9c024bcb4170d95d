"""Prometheus metrics: the closed set of names, in a registry of our own."""

from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as declared: exposed as `fwdctl_<name>`, a counter with `_total` after it."""

    kind: Literal["counter", "gauge"]
    name: str
    help: str
    labels: tuple[str, ...] = ()


METRICS: Final[tuple[Metric, ...]] = (
    Metric("gauge", "stations_connected", "Charging stations connected now."),
    Metric("gauge", "csms_legs", "CSMS legs by the phase they are in now.", ("phase",)),
    Metric("counter", "station_connections", "Station handshakes by outcome: admitted, refused.", ("outcome",)),
    Metric("counter", "frames", "Frames forwarded, by direction: up to a CSMS, down to a station.", ("direction",)),
    Metric("counter", "applies", "Applies by result.", ("result",)),
    Metric("counter", "api_requests", "Admin API requests by route and status.", ("route", "status")),
)
"""Every metric there is. No label names a charger: 100 000 chargers would be 100 000 series."""


class PrometheusMetrics:
    """Implements `app.ports.Metrics`; a name or label that is not declared above is a KeyError or ValueError."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            metric.name: Counter(f"fwdctl_{metric.name}", metric.help, metric.labels, registry=self._registry)
            for metric in METRICS
            if metric.kind == "counter"
        }
        self._gauges = {
            metric.name: Gauge(f"fwdctl_{metric.name}", metric.help, metric.labels, registry=self._registry)
            for metric in METRICS
            if metric.kind == "gauge"
        }

    def count(self, name: str, **labels: str) -> None:
        """Add one to the counter `name`."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc()

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set the gauge `name` to `value`."""
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format, of content type `CONTENT_TYPE`."""
        return generate_latest(self._registry)
