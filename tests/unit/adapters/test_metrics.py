"""Metrics: a closed set, none of it per charger."""

import ast
from pathlib import Path

import pytest

import reconciler
from reconciler.adapters.metrics import SAMPLED, WRITTEN, PrometheusMetrics


def test_a_counter_counts_per_label() -> None:
    metrics = PrometheusMetrics()
    metrics.count("api_requests", route="/v1/plan", status="200")
    metrics.count("api_requests", route="/v1/plan", status="200")
    assert b'fwdctl_api_requests_total{route="/v1/plan",status="200"} 2.0' in metrics.exposition()


def test_a_gauge_holds_its_last_value() -> None:
    metrics = PrometheusMetrics()
    metrics.gauge("last_apply_revision", 7)
    metrics.gauge("last_apply_revision", 5)
    assert b"fwdctl_last_apply_revision 5.0" in metrics.exposition()


def test_every_metric_is_exposed_with_its_help() -> None:
    metrics = PrometheusMetrics()
    metrics.sample(dict)
    text = metrics.exposition().decode()
    assert all(f"{metric.help}\n" in text for metric in (*WRITTEN, *SAMPLED))


def test_a_name_that_is_not_declared_is_refused() -> None:
    with pytest.raises(KeyError):
        PrometheusMetrics().count("made_up")


def test_a_label_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        PrometheusMetrics().count("api_requests", route="/v1/plan", status="200", charger="cp001")


def test_no_metric_is_per_charger() -> None:
    assert not [
        metric.name for metric in (*WRITTEN, *SAMPLED) if {"charger", "identity", "station"} & set(metric.labels)
    ]


def test_two_registries_share_nothing() -> None:
    one, other = PrometheusMetrics(), PrometheusMetrics()
    one.gauge("last_apply_revision", 3)
    assert b"fwdctl_last_apply_revision 0.0" in other.exposition()


def test_what_is_sampled_is_read_at_every_look() -> None:
    seen = {"up": 0}
    metrics = PrometheusMetrics()
    metrics.sample(lambda: {"frames": {("up",): seen["up"]}, "open_transactions": {(): 2}})
    seen["up"] = 5
    text = metrics.exposition()
    assert b'fwdctl_frames_total{direction="up"} 5.0' in text
    assert b"fwdctl_open_transactions 2.0" in text


def test_every_metric_that_the_product_writes_is_declared_with_those_labels() -> None:
    written = {call for file in Path(reconciler.__file__).parent.rglob("*.py") for call in _metric_calls(file)}
    declared = {(metric.kind, metric.name, frozenset(metric.labels)) for metric in WRITTEN}
    assert written == declared


def _metric_calls(file: Path) -> set[tuple[str, str, frozenset[str | None]]]:
    kinds = {"count": "counter", "gauge": "gauge"}
    calls = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in kinds:
            target = node.func.value
            name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            if name.endswith("metrics") and isinstance(node.args[0], ast.Constant):
                labels = frozenset(keyword.arg for keyword in node.keywords)
                calls.add((kinds[node.func.attr], str(node.args[0].value), labels))
    return calls
