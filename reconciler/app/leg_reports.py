"""Says what became of back-ends' changes to their legs: history, a count, a log line; fingerprints, never secrets."""

from collections.abc import Callable, Sequence
from datetime import datetime

from reconciler.app.ports import Clock, Log, Metrics
from reconciler.as_charger.settings import LegSettings
from reconciler.model.history import HistoryEvent


class LegReports:
    """Where such news goes."""

    def __init__(self, record: Callable[[HistoryEvent], None], clock: Clock, metrics: Metrics, log: Log) -> None:
        self._record = record
        self._clock = clock
        self._metrics = metrics
        self._log = log

    def ordered(self, charger: str, backend: str, action: str, settings: LegSettings) -> None:
        """A back-end has changed its leg."""
        summary = f"{backend} changed its leg of {charger} by {action}: {marks_text(settings)}"
        self._say("leg-changed", charger, backend, summary)

    def refused(self, charger: str, backend: str, action: str, reason: str) -> None:
        """What a back-end ordered was not done."""
        self._metrics.count("leg_changes", outcome="refused")
        self._log("leg-order-refused", charger=charger, backend=backend, action=action, reason=reason)

    def confirmed(self, charger: str, backend: str, settings: LegSettings) -> None:
        """The leg has registered with the new settings; the former ones are forgotten."""
        summary = f"{charger} registered at {backend} with what that has set: {marks_text(settings)}"
        self._say("leg-change-confirmed", charger, backend, summary)

    def fell_back(self, charger: str, backend: str) -> None:
        """The leg has registered with the former settings; the new ones did not work."""
        summary = f"{charger} is back on its former credentials at {backend}: what that has set was not accepted there"
        self._say("leg-change-failed", charger, backend, summary)

    def not_signed(self, charger: str, backend: str, times: int) -> None:
        """A certificate was asked for several times and did not come."""
        summary = f"{backend} has signed no certificate for its leg of {charger}: asked {times} times"
        self._say("leg-certificate-not-signed", charger, backend, summary)

    def roots_retired(self, charger: str, backend: str) -> None:
        """A connection was made with a new root alone: the former ones are no longer trusted."""
        summary = f"{charger} trusts the new root of {backend} alone: a connection was made with it"
        self._say("leg-roots-retired", charger, backend, summary)

    def overtaken(self, charger: str, backend: str, parts: Sequence[str]) -> None:
        """The spec is newer than what a back-end has set."""
        summary = (
            f"the spec's {', '.join(parts)} of {backend} is newer than what that has set for {charger}, and counts"
        )
        self._say("leg-change-overtaken", charger, backend, summary)

    def _say(self, kind: str, charger: str, backend: str, summary: str) -> None:
        self._metrics.count("leg_changes", outcome=kind.removeprefix("leg-").removeprefix("change-"))
        self._log(kind, charger=charger, backend=backend, detail=summary)
        self._record(HistoryEvent(self._clock.now(), kind, summary, charger=charger, actor=backend))


def marks_text(settings: LegSettings) -> str:
    """Return what a back-end has set, for people: "password 1f2e3d4c, profile 2"."""
    return ", ".join(f"{part} {mark}".rstrip() for part, mark in settings.marks.items()) or "nothing"


def date_text(at: datetime) -> str:
    """Return a time in UTC as it is shown: "2026-12-01 02:00Z"."""
    return f"{at:%Y-%m-%d %H:%M}Z"


def changes_text(settings: LegSettings, backend: str, at: datetime, *, on_trial: bool) -> str:
    """Return what a back-end has set on its leg, part by part: what, when last, how often, and a fingerprint.

    `at` is when it changed anything, for what was stored before each part had a time of its own.
    """
    texts = []
    for part, mark in settings.marks.items():
        times, when = settings.rotations.get(part, 1), settings.dates.get(part) or date_text(at)
        trial = ", not confirmed yet" if on_trial else ""
        texts.append(f"{part} changed by {backend} on {when} (rotation {times}{trial}): {mark}".rstrip(": "))
    return "; ".join(texts)
