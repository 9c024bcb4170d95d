"""Prometheus metrics: the closed set of names, in a registry of our own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric as Family

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Metric(msgspec.Struct, frozen=True):
    """A metric as declared: exposed as `fwdctl_<name>`, a counter with `_total` after it."""

    kind: Literal["counter", "gauge"]
    name: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def exposed(self) -> str:
        """Return the name as Prometheus sees it, without a counter's `_total`."""
        return f"fwdctl_{self.name}"


WRITTEN: Final[tuple[Metric, ...]] = (
    Metric("counter", "station_connections", "Station handshakes, admitted or refused.", ("outcome",)),
    Metric(
        "counter",
        "station_refusals",
        "Stations not let in, by HTTP status or tls; and connections that the relay ended, by WebSocket code.",
        ("status",),
    ),
    Metric("counter", "flips", "Changes of owners on live sessions."),
    Metric(
        "counter", "relay_notes", "What the relay did out of the ordinary, see reconciler/relay/commands.py.", ("what",)
    ),
    Metric(
        "counter",
        "leg_changes",
        "What back-ends ordered on their own legs: changed, refused; then confirmed, failed or overtaken by the spec.",
        ("outcome",),
    ),
    Metric("counter", "security_events", "Security events, see reconciler/app/security_events.py.", ("event",)),
    Metric("counter", "applies", "Applies by exit code, 0 for all applied.", ("exit_code",)),
    Metric("counter", "api_requests", "Admin API requests by route and status.", ("route", "status")),
    Metric("counter", "notifications", "Notifications: claimed, held, sent, failed, suppressed.", ("outcome",)),
    Metric(
        "counter",
        "operations",
        "Operations of local by what became of them; refused: another owns the feature, or the charger is away.",
        ("operation", "outcome"),
    ),
    Metric("counter", "load_limits_set", "Limits that load policies asked chargers to keep to.", ("outcome",)),
    Metric("gauge", "load_limit_watts", "The limit of a load policy.", ("policy",)),
    Metric("gauge", "load_counted_watts", "What the chargers of a load policy may draw at most.", ("policy",)),
    Metric(
        "gauge",
        "certificate_days_left",
        "Days until the first of the certificates expires; below 0 it has. No value: there is none.",
        ("whose",),
    ),
    Metric("gauge", "last_apply_revision", "Revision that the last apply since the start has made, 0 for none."),
)
"""Metrics that are written where something happens. No label names a charger: 100 000 would be 100 000 series."""

SAMPLED: Final[tuple[Metric, ...]] = (
    Metric("gauge", "chargers", "Declared chargers, connected or not.", ("connected",)),
    Metric("gauge", "drifted_chargers", "Chargers that are not as applied, drifted or refused.", ("state",)),
    Metric("gauge", "csms_legs", "CSMS legs by the phase they are in.", ("phase",)),
    Metric("gauge", "open_transactions", "Transactions under way."),
    Metric("counter", "frames", "Frames forwarded, up to a CSMS or down to a station.", ("direction",)),
)
"""Metrics that are read off live state whenever somebody looks."""

Samples = Mapping[str, Mapping[tuple[str, ...], float]]
"""Metric name -> values of its labels, in their order -> value."""


class PrometheusMetrics:
    """Implements `app.ports.Metrics`; a name or label that is not declared above is a KeyError or ValueError."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # they double the series, and nobody reads them
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._counters = {
            metric.name: Counter(metric.exposed, metric.help, metric.labels, registry=self._registry)
            for metric in WRITTEN
            if metric.kind == "counter"
        }
        self._gauges = {
            metric.name: Gauge(metric.exposed, metric.help, metric.labels, registry=self._registry)
            for metric in WRITTEN
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

    def sample(self, read: Callable[[], Samples]) -> None:
        """Have `read` called at every exposition for the `SAMPLED` metrics."""
        self._registry.register(_Sampled(read))

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format, of content type `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _Sampled:
    """A collector of what is read off live state."""

    def __init__(self, read: Callable[[], Samples]) -> None:
        self._read = read

    def describe(self) -> Iterable[Family]:
        """Return the families without values, so that registering does not read anything."""
        return self._families({})

    def collect(self) -> Iterable[Family]:
        """Return the families with the values of this moment."""
        return self._families(self._read())

    def _families(self, samples: Samples) -> Iterator[Family]:
        for metric in SAMPLED:
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = kind(metric.exposed, metric.help, labels=metric.labels)
            for labels, value in samples.get(metric.name, {}).items():
                family.add_metric(labels, value)
            yield family
