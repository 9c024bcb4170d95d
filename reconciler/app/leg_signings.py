"""Certificates of legs that back-ends sign: asked for again until they come, and anew before they expire (A02, R13).

    SignCertificate sent ──CertSigningWaitMinimum──> again ──twice that──> again ... CertSigningRepeatTimes ──> given up
    the last third of a certificate's life, at most 30 days ──> SignCertificate, once a day at most

In memory only: after a restart a certificate that is due is asked for again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.app.leg_book import KeptLeg, LegBook
from reconciler.app.leg_reports import LegReports
from reconciler.app.ports import Clock

LOOK_EVERY_S: Final = 10.0
ASK_AGAIN_S: Final = 24 * 3600.0
RESTS_S: Final = 3600.0
"""So long nothing is asked after a certificate came, whatever that says of its own life."""

Sign = Callable[[str, str], bool]
"""Has a leg's certificate asked for, by charger and back-end; False where that leg is not registered here."""


@dataclass(slots=True)
class _Signing:
    """How often a certificate was asked for without an answer, and when next; `repeats` have been sent."""

    due_s: float
    repeats: int = 0
    again: bool = False
    """The next request is a repetition; any other begins anew."""
    rests: bool = False
    """Nothing is asked before `due_s`: it has come, or was given up."""


class LegSignings:
    """What was asked for and has not come."""

    def __init__(self, book: LegBook, reports: LegReports, clock: Clock) -> None:
        self._book = book
        self._reports = reports
        self._clock = clock
        self._open: dict[tuple[str, str], _Signing] = {}

    def asked(self, charger: str, backend: str) -> None:
        """Hear that SignCertificate was sent, whoever wanted it."""
        name = charger, backend
        kept, before = self._book.get(*name), self._open.get(name)
        repeats = before.repeats + 1 if before is not None and before.again else 0
        wait_s = 0 if kept is None else kept.current.signing_wait_s * 2**repeats
        self._open[name] = _Signing(self._clock.monotonic_s() + wait_s, repeats)

    async def run(self, sign: Sign) -> None:
        """Look for ever."""
        while True:
            self.look(sign)
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self, sign: Sign) -> None:
        """Ask for what is due now."""
        now_s, epoch_s = self._clock.monotonic_s(), self._clock.now().timestamp()
        for name, kept in self._book.legs():
            signing = self._open.get(name)
            if signing is None:
                if _expires(kept, epoch_s):
                    sign(*name)
            elif not signing.rests and kept.current.asked_key is None:
                self._open[name] = _Signing(now_s + RESTS_S, rests=True)
            elif now_s >= signing.due_s:
                self._due(name, kept, signing, sign)

    def _due(self, name: tuple[str, str], kept: KeptLeg, signing: _Signing, sign: Sign) -> None:
        if signing.rests:
            del self._open[name]
        elif signing.repeats < kept.current.signing_repeats:
            signing.again = True
            sign(*name)  # where it can't be asked now, it is as soon as it can
        else:
            self._open[name] = _Signing(self._clock.monotonic_s() + ASK_AGAIN_S, rests=True)
            self._reports.not_signed(*name, signing.repeats + 1)


def _expires(kept: KeptLeg, epoch_s: float) -> bool:
    """Tell whether a leg has a certificate of its back-end's that is to be renewed."""
    settings = kept.current
    return settings.certificate is not None and 0 < settings.certificate_renew_s <= epoch_s
