"""The chart of a load policy: what is drawn and what may be drawn, over time, against the limit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from reconciler.app.load_control import LoadSample

WIDTH: Final = 1000
HEIGHT: Final = 200
POINTS_MAX: Final = 400


class LoadChart(msgspec.Struct, frozen=True):
    """Lines as SVG writes points, in a box of WIDTH by HEIGHT; `limit_y` is where the limit lies."""

    since: datetime
    until: datetime
    top_kw: float
    measured: str
    counted: str
    limit_y: float
    told: str
    """The picture in words."""


def load_chart(samples: Sequence[LoadSample]) -> LoadChart | None:
    """Return the chart of these samples, oldest first; None where there are too few for a line."""
    if len(samples) < 2:
        return None
    step = -(-len(samples) // POINTS_MAX)
    kept = [*samples[::step], samples[-1]]
    top_w = 1.1 * max(max(sample.limit_w, sample.counted_w, sample.measured_w) for sample in samples) or 1.0
    since, until = samples[0].at, samples[-1].at
    span_s = (until - since).total_seconds() or 1.0

    def points(watts: Sequence[float]) -> str:
        places = ((sample.at - since).total_seconds() / span_s * WIDTH for sample in kept)
        return " ".join(f"{x:.1f},{HEIGHT * (1 - w / top_w):.1f}" for x, w in zip(places, watts, strict=True))

    newest = samples[-1]
    most = max(sample.measured_w for sample in samples)
    return LoadChart(
        since,
        until,
        top_w / 1000,
        points([sample.measured_w for sample in kept]),
        points([sample.counted_w for sample in kept]),
        round(HEIGHT * (1 - newest.limit_w / top_w), 1),
        f"From {since:%H:%M} to {until:%H:%M} UTC: at most {most / 1000:.1f} kW were drawn, now"
        f" {newest.measured_w / 1000:.1f} kW, with a limit of {newest.limit_w / 1000:g} kW.",
    )
