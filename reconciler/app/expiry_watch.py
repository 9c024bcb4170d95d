"""Watches the certificates of stations, legs and doors: says what expires soon, and has stations renew theirs.

days left ──> metric, every hour      within 30 days ──> log, `fwdctl status`, notification rules
                                      and `local` owns security of a connected station ──> it is asked to sign anew
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from reconciler.app.leg_certificates import LegCertificates
from reconciler.app.ports import Clock, Log, Metrics
from reconciler.app.sightings import Seen, live_of_all
from reconciler.app.tasks import breathing
from reconciler.local.csms import StationAnswer
from reconciler.model.desired import LOCAL
from reconciler.model.live import LiveCharger

WARN_DAYS: Final = 30.0
FIRST_AFTER_S: Final = 1.0
LOOK_EVERY_S: Final = 3600.0
ASK_AGAIN_S: Final = 24 * 3600.0
_DAY_S: Final = 24 * 3600.0

Call = Callable[[str, str, Mapping[str, Any], Callable[[StationAnswer], None]], None]
"""Calls a station as `local`: charger, action, payload, and who gets the answer."""


class Expiry(msgspec.Struct, frozen=True):
    """When one certificate expires; `whose` is station, leg, ca or door, `name` what people call it."""

    whose: str
    name: str
    at_s: float
    chargers: Sequence[str] = ()
    """Which chargers it is for; none for a door."""


Soon = Callable[[Expiry, float], None]
"""Hears of a certificate that expires soon, and in how many days."""


def expiries_of(charger: LiveCharger, named: LegCertificates | None = None) -> Iterator[Expiry]:
    """Yield the expiry of every certificate of a charger's own; not of those that specs name."""
    if charger.certificate_expires_s:
        yield Expiry("station", charger.name, charger.certificate_expires_s, (charger.name,))
    for leg in charger.legs:
        at_s = leg.certificate_expires_s
        if at_s and (named is None or named.leg(charger.name, leg.backend) != at_s):
            yield Expiry("leg", f"{charger.name} to {leg.backend}", at_s, (charger.name,))


def shared_expiries(named: LegCertificates | None, doors: Mapping[str, datetime]) -> Iterator[Expiry]:
    """Yield the expiry of every certificate that specs name, once however many legs show it, and of the doors'."""
    for each in named or ():
        yield Expiry(each.whose, each.name, each.expires_s, each.chargers)
    for name, at in doors.items():
        yield Expiry("door", name, at.timestamp())


class ExpiryWatch:
    """Looks once an hour; `renews` says whether somebody here signs for stations."""

    def __init__(
        self,
        relay: Seen,
        doors: Callable[[], Mapping[str, datetime]],
        call: Call,
        clock: Clock,
        metrics: Metrics,
        log: Log,
        *,
        renews: bool,
        named: LegCertificates | None = None,
    ) -> None:
        self.soon: Soon = lambda expiry, days: None
        self._relay = relay
        self._doors = doors
        self._call = call
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._renews = renews
        self._named = named
        self._asked_s: dict[str, float] = {}

    async def run(self) -> None:
        """Look until cancelled, for the first time once a start is over."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            if self._named is not None:
                await self._named.look()
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once, at some chargers after the other: frames are forwarded on the same event loop."""
        now_s, soonest = self._clock.now().timestamp(), dict[str, float]()
        live = await live_of_all(self._relay)
        async for charger in breathing(live.values()):
            for expiry in expiries_of(charger, self._named):
                self._weigh(expiry, now_s, soonest)
            if self._renews:
                self._renew(charger, now_s)
        async for expiry in breathing(shared_expiries(self._named, self._doors())):
            self._weigh(expiry, now_s, soonest)
        for whose, days in soonest.items():
            self._metrics.gauge("certificate_days_left", days, whose=whose)

    def _weigh(self, expiry: Expiry, now_s: float, soonest: dict[str, float]) -> None:
        """Say that a certificate expires soon, where it does, and note in how many days the first of its kind does."""
        days = (expiry.at_s - now_s) / _DAY_S
        soonest[expiry.whose] = min(days, soonest.get(expiry.whose, days))
        if days <= WARN_DAYS:
            self._log("certificate-expires", whose=expiry.whose, name=expiry.name, days_left=round(days, 1))
            self.soon(expiry, days)

    def _renew(self, charger: LiveCharger, now_s: float) -> None:
        """Ask a station for a new request, once a day, where its certificate expires soon and `local` may."""
        due = 0 < charger.certificate_expires_s <= now_s + WARN_DAYS * _DAY_S
        ours = charger.connected and (charger.owners or {}).get("security") == LOCAL
        may_trigger = (charger.owners or {}).get("remote-control") == LOCAL
        if not (due and ours and may_trigger) or now_s - self._asked_s.get(charger.name, 0.0) < ASK_AGAIN_S:
            return
        self._asked_s[charger.name] = now_s
        old = charger.version == "ocpp1.6"
        action = "ExtendedTriggerMessage" if old else "TriggerMessage"
        what = "SignChargePointCertificate" if old else "SignChargingStationCertificate"

        def told(answer: StationAnswer) -> None:
            status = answer.error if answer.payload is None else answer.payload.get("status")
            self._log("certificate-renewal", charger=charger.name, status=status)

        self._call(charger.name, action, {"requestedMessage": what}, told)
