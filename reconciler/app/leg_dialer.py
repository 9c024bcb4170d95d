"""Dials legs with what their back-ends have set on them, and learns from each dial what works."""

from typing import Final

from msgspec.structs import replace

from reconciler.app.declared_leg import declared_digests
from reconciler.app.leg_book import KeptLeg, LegBook
from reconciler.app.leg_reports import LegReports
from reconciler.app.legs import Dialer, DialFailed, DialRequest, Leg, LegSink
from reconciler.as_charger.settings import effective, overtaken, proven, proving

_NEW: Final = "with what it has set on this leg"
_OLD: Final = "with the former credentials"


class LegDialer:
    """Implements `Dialer` in front of another one."""

    def __init__(self, dialer: Dialer, book: LegBook, reports: LegReports) -> None:
        self._dialer = dialer
        self._book = book
        self._reports = reports

    async def dial(self, request: DialRequest, sink: LegSink) -> Leg:
        """Connect as the leg now is; raises DialFailed."""
        name = request.charger, request.leg.backend.name
        if request.leg.credentials == "passthrough":
            return await self._dialer.dial(request, sink)
        await self._book.refresh(*name)
        kept = self._book.get(*name)
        if kept is None:
            return await self._dialer.dial(request, sink)
        kept = await self._after_the_spec(request, kept)
        if kept.trial is None:
            return await self._as_it_is(request, kept, sink)
        trial = kept.trial.failed() if kept.trial.opened else kept.trial
        self._book.turn(*name, trial)  # whose secrets the dial is about to ask for
        try:
            leg = await self._dialer.dial(_as_kept(request, replace(kept, trial=trial)), sink)
        except DialFailed as failed:
            self._book.turn(*name, trial.failed())
            # Without its status: this is no charger that the back-end does not know.
            raise DialFailed(f"{failed.reason} ({_OLD if trial.fell_back else _NEW})") from failed
        self._book.turn(*name, replace(trial, opened=True))
        return leg

    async def _as_it_is(self, request: DialRequest, kept: KeptLeg, sink: LegSink) -> Leg:
        """Dial without a trial: with a new root alone first, and then with all that is trusted (M05)."""
        alone = proving(request.leg, kept.current, request.charger)
        if alone is None:
            return await self._dialer.dial(_as_kept(request, kept), sink)
        try:
            leg = await self._dialer.dial(replace(request, leg=alone), sink)
        except DialFailed as failed:
            if not failed.untrusted:
                raise
            return await self._dialer.dial(_as_kept(request, kept), sink)
        name = request.charger, request.leg.backend.name
        if self._book.get(*name) is kept:
            self._book.settle(*name, replace(kept, settings=proven(kept.settings)))
            await self._book.write(*name)
            self._reports.roots_retired(*name)
        return leg

    async def _after_the_spec(self, request: DialRequest, kept: KeptLeg) -> KeptLeg:
        """Give up what the spec has changed since: the newer counts."""
        backend = request.leg.backend
        parts = overtaken(kept.current, declared_digests(backend, request.identity, self._book))
        if not parts:
            return kept
        left = KeptLeg(kept.current.without(*parts), kept.changed_at)
        self._book.settle(request.charger, backend.name, left)
        await self._book.write(request.charger, backend.name)
        self._reports.overtaken(request.charger, backend.name, parts)
        return left


def _as_kept(request: DialRequest, kept: KeptLeg) -> DialRequest:
    return replace(request, leg=effective(request.leg, kept.current, request.charger))
