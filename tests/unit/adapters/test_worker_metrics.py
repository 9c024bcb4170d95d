"""The metrics of several processes are one exposition, each series with its worker; one that is away is down."""

from pathlib import Path

from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.worker_metrics import AllWorkers, window


async def test_one_look_shows_all_that_answer(tmp_path: Path) -> None:
    front, worker = PrometheusMetrics(), PrometheusMetrics()
    worker.count("flips")
    worker.count("station_connections", outcome="admitted")
    deep = tmp_path / ("a-name-" * 14)  # longer than the path of a socket may be
    deep.mkdir()
    shown = AllWorkers(deep, "front", front.exposition, ("1", "2"))
    async with window(deep, "1", worker.exposition):
        text = (await shown.exposition()).decode()
    assert 'fwdctl_flips_total{worker="1"} 1.0' in text
    assert 'fwdctl_flips_total{worker="front"} 0.0' in text
    assert 'fwdctl_station_connections_total{outcome="admitted",worker="1"} 1.0' in text
    assert [
        f'fwdctl_worker_up{{worker="{name}"}} {up}' in text for name, up in (("front", 1.0), ("1", 1.0), ("2", 0.0))
    ]
    assert text.count("# TYPE fwdctl_flips_total counter") == 1
    assert 'fwdctl_worker_up{worker="1"} 0.0' in (await shown.exposition()).decode()
