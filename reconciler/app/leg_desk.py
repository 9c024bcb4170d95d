"""The leg desk: carries out what back-ends order on their own legs, and knows how it ended (R13).

order ──decide──> refused
            └──> stored, encrypted ──> answered ──> the leg closes and is dialled with it ──registered──> it counts
                        └─can't be stored: refused             └─fails: `as_charger/trial.py`; the former counts again

Stored first and answered then: whatever dies in between, the back-end's word and ours agree.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from reconciler.app.declared_leg import declared_digests
from reconciler.app.leg_book import KeptLeg, LegBook
from reconciler.app.leg_reports import LegReports, changes_text, date_text
from reconciler.app.leg_signings import LegSignings
from reconciler.app.ports import Clock
from reconciler.app.tasks import Background
from reconciler.as_charger.asked import Asked, Decision, Papers
from reconciler.as_charger.orders import decide
from reconciler.as_charger.settings import PARTS, LegSettings
from reconciler.as_charger.trial import Trial
from reconciler.errors import FwdctlError
from reconciler.model.desired import Backend

_NOTHING_SET: Final = LegSettings()


class CertificateOffice(Papers, Protocol):
    """Reads certificates, and asks for new ones."""

    def new_key(self) -> bytes:
        """Return a new private key, PEM."""

    def request(self, private_key: bytes, common_name: str, organization: str) -> bytes:
        """Return a signing request for such a key, PEM."""


class LegOrder(msgspec.Struct, frozen=True):
    """What a back-end orders on the leg that it has to a charger, and whom to tell."""

    charger: str
    identity: str
    serial: str
    backend: Backend
    version: str
    action: str
    payload: bytes
    answer: Callable[[bytes | None], None]
    """Takes the CALLRESULT's payload, None for the action's refusal."""
    redial: Callable[[], None]
    """Closes the leg and dials it anew; does nothing where it is gone."""
    call: Callable[[str, bytes], None]
    """Calls the back-end on this leg: action and payload."""
    changed: Callable[[LegSettings], None]
    """Takes what the leg is to be from now on."""

    def __repr__(self) -> str:
        return f"LegOrder(charger={self.charger!r}, backend={self.backend.name!r}, action={self.action!r})"


class LegDesk:
    """Takes orders; those on one leg are carried out one after the other."""

    def __init__(
        self, book: LegBook, reports: LegReports, office: CertificateOffice, clock: Clock, background: Background
    ) -> None:
        self._book = book
        self._office = office
        self._reports = reports
        self._clock = clock
        self._background = background
        self.declared_expiry: Callable[[str, str], float] = lambda charger, backend: 0.0
        """When the certificate that the spec names for a leg expires, see `LegCertificates`."""
        self.signings = LegSignings(book, reports, clock)
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def take(self, order: LegOrder) -> None:
        """Carry out an order, soon."""
        self._background.start(self._carry_out(order), name=f"{order.action} on {order.charger}/{order.backend.name}")

    def registered(self, charger: str, backend: str) -> None:
        """A leg has registered: what it was dialled with works, and is what counts."""
        kept = self._book.get(charger, backend)
        if kept is None or kept.trial is None or not kept.trial.opened:
            return
        settled = KeptLeg(kept.current, kept.changed_at)
        self._book.settle(charger, backend, settled)
        if kept.trial.fell_back:
            self._reports.fell_back(charger, backend)
        else:
            self._reports.confirmed(charger, backend, settled.settings)
        self._background.start(self._book.write(charger, backend), name=f"settling {charger}/{backend}")

    def settings(self, charger: str, backend: str) -> LegSettings | None:
        """Return what a back-end has set on its leg, None where it never set anything."""
        kept = self._book.get(charger, backend)
        return None if kept is None else kept.current

    def credential(self, charger: str, backend: str) -> str:
        """Return what a back-end has set on its leg, for people; "" where all is as the spec has it."""
        kept = self._book.get(charger, backend)
        if kept is None or not kept.current.marks:
            return ""
        return changes_text(kept.current, backend, kept.changed_at, on_trial=kept.trial is not None)

    def told(self, charger: str, backend: str) -> tuple[str, float]:
        """Return `credential`, and when the leg's client certificate expires (epoch s, 0: it has none)."""
        settings = self.settings(charger, backend)
        if settings is None:
            return "", self.declared_expiry(charger, backend)
        if settings.certificate is not None:
            return self.credential(charger, backend), settings.certificate_expires_s
        return self.credential(charger, backend), self.declared_expiry(charger, backend)

    async def _carry_out(self, order: LegOrder) -> None:
        name = order.charger, order.backend.name
        decision: Decision | None = None
        request = b""
        turn = self._turns.setdefault(name, asyncio.Lock())
        try:
            async with turn:
                wanted = self._decide(order)
                if wanted is not None and wanted.sign:
                    wanted, request = self._with_request(order, wanted)
                if wanted is not None and wanted.candidates:
                    order.changed(await self._keep(order, wanted))
                decision = wanted
        except FwdctlError as error:
            self._reports.refused(*name, order.action, f"{error.summary}; {error.hint}".rstrip("; "))
        finally:
            order.answer(None if decision is None else _encoded(decision.answer))
        if decision is None:
            return
        if decision.sign:
            self.signings.asked(*name)
            order.call("SignCertificate", request)
        if decision.reconnect:
            order.redial()

    def _with_request(self, order: LegOrder, decision: Decision) -> tuple[Decision, bytes]:
        """Return the decision with the key to be kept, and the payload of the SignCertificate that goes with it.

        As long as nothing was signed the key stays the same, so that a late answer to an earlier request fits.
        """
        settings = self.settings(order.charger, order.backend.name) or _NOTHING_SET
        key = settings.asked_key or self._office.new_key()
        request = self._office.request(key, order.serial, settings.organization or "")
        kind = {} if order.version == "ocpp1.6" else {"certificateType": "ChargingStationCertificate"}
        payload = _encoded({"csr": request.decode(), **kind})
        return replace(decision, candidates=(replace(settings, asked_key=key),)), payload

    def _decide(self, order: LegOrder) -> Decision | None:
        try:
            payload: Any = json.loads(order.payload)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            return None
        kept = self._book.get(order.charger, order.backend.name)
        settings = _NOTHING_SET if kept is None else kept.current
        authorities = order.backend.security.trusted_ca
        asked = Asked(
            order.version,
            order.action,
            payload,
            order.identity,
            order.backend,
            settings,
            self._office,
            self._clock.now(),
            order.serial,
            None if authorities is None else self._book.resolve(authorities, order.identity),
        )
        decision = decide(asked)
        if decision is None or decision.answer.get("status") == "Rejected":
            self._reports.refused(order.charger, order.backend.name, order.action, "not as a charger would take it")
        return decision

    async def _keep(self, order: LegOrder, decision: Decision) -> LegSettings:
        """Store what a decision leads to, and return what the leg is dialled with from now on."""
        name = order.charger, order.backend.name
        self._book.check_ready()
        kept = self._book.get(*name)
        before = _NOTHING_SET if kept is None else kept.settings
        if decision.reconnect:
            before = replace(before, restart_due=False)
        was = before if kept is None else kept.current
        declared = declared_digests(order.backend, order.identity, self._book)
        candidates = tuple(self._marked(new, was, declared) for new in decision.candidates)
        on_trial = decision.reconnect or (kept is not None and kept.trial is not None)
        trial = Trial(candidates, before) if on_trial else None
        settings = before if on_trial else candidates[0]
        kept = KeptLeg(settings, self._clock.now(), trial)
        await self._book.keep(*name, kept)
        if candidates[0].marks != was.marks:
            self._reports.ordered(*name, order.action, candidates[0])
        return kept.current

    def _marked(self, new: LegSettings, was: LegSettings, declared: Any) -> LegSettings:
        """Return new settings with, for each part that changed, its mark and the spec's word of today."""
        changed = [part for part, names in PARTS.items() if any(getattr(new, n) != getattr(was, n) for n in names)]
        marks = {part: self._mark(part, new) for part in changed if part in new.parts}
        times = {part: was.rotations.get(part, 0) + 1 for part in changed}
        dates = dict.fromkeys(changed, date_text(self._clock.now()))
        digests = {part: declared[part] for part in changed if part in declared}
        kept = {part: mark for part, mark in new.marks.items() if part not in changed}
        return replace(
            new,
            marks={**kept, **marks},
            declared={**new.declared, **digests},
            rotations={**new.rotations, **times},
            dates={**new.dates, **dates},
        )

    def _mark(self, part: str, settings: LegSettings) -> str:
        value = getattr(settings, PARTS[part][0])
        if isinstance(value, bytes):
            return self._book.fingerprint(value)
        return str(value)


def _encoded(payload: Any) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()
