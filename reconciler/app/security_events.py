"""Security events: what the relay notices itself, and what stations report; counted, logged, and in history.

A flood of them is not a flood of history: one and the same from one and the same is written down once in
`AGAIN_AFTER_S`, with how many came before, and all of them together at a bounded rate. The metric counts every one.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from reconciler.app.allowances import Allowance, Allowances
from reconciler.app.failure_limits import address_of
from reconciler.app.ports import Clock, Log, Metrics
from reconciler.model.access import printable
from reconciler.model.history import HistoryEvent

SECURITY_EVENT: Final = "security-event"
REPORTED: Final = "station-reported"

EVENTS: Final[Mapping[str, str]] = {
    "failed-login": "a station gave a wrong password, none, or another's user name",
    "invalid-client-certificate": "a station showed no certificate, another's, or one by somebody else",
    "wrong-security-profile": "a station came by a door that its security profile does not use",
    "old-tls-version": "a station came with a TLS version below its profile's",
    "profile-downgrade": "a station came with a lower security profile than it had before",
    "serial-mismatch": "a station booted with another serial number than its certificate's",
    "unknown-station": "somebody knocked with an identity that is not declared",
    "too-many-failures": "an address or a station failed too often and has to wait",
    "tls-handshake-failed": "a TLS handshake failed: version, suites, or the station's certificate",
    "admin-login-failed": "somebody called the admin API without a token that holds",
    "admin-not-allowed": "a caller of the admin API asked for more than its token is for",
    "plan-tampered": "a saved plan came back that was changed, not sealed, or sealed by another server",
    REPORTED: "a station sent SecurityEventNotification; `type` says which",
}
"""All there are, by name; the name is the metric's label."""

AGAIN_AFTER_S: Final = 600.0
REMEMBERED_MAX: Final = 10_000
WRITTEN: Final = Allowance(burst=500, per_s=1.0)
TYPE_LENGTH_MAX: Final = 50
"""Of `type`, as OCPP has it."""

_ALL: Final = ("", "")


class _Report(msgspec.Struct):
    type: str = ""
    techInfo: str = ""  # as OCPP writes it


class SecurityEvents:
    """Takes events as they happen; `record` writes into history and never waits."""

    def __init__(self, record: Callable[[HistoryEvent], None], metrics: Metrics, log: Log, clock: Clock) -> None:
        self._record = record
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self.noticed: Callable[[str, str, str, str], None] = lambda event, charger, remote, detail: None
        """Hears of what is written down and was noticed by the relay: event, charger or "", from where, detail."""
        self._seen: OrderedDict[tuple[str, str, str], tuple[float, int]] = OrderedDict()  # written when, how many since
        self._written = Allowances()

    def happened(self, event: str, *, charger: str = "", remote: str = "", detail: str = "", kind: str = "") -> None:
        """Take an event of `EVENTS`; `kind` tells those of one name apart. Nothing here may hold a secret."""
        detail = printable(detail)
        self._metrics.count("security_events", event=event)
        self._log(SECURITY_EVENT, security_event=event, charger=charger, remote=remote, detail=detail)
        now_s = self._clock.monotonic_s()
        key = (event, charger or address_of(remote), kind)
        written_s, since = self._seen.pop(key, (-AGAIN_AFTER_S, 0))
        wanted = now_s - written_s >= AGAIN_AFTER_S
        if wanted and not self._written.wait_s(_ALL, WRITTEN, now_s):
            self._written.take(_ALL, WRITTEN, now_s)
            self._write(event, charger, remote, detail, kind, since)
            if event != REPORTED:
                self.noticed(event, charger, remote, detail or EVENTS[event])
            written_s, since = now_s, -1
        self._seen[key] = written_s, since + 1
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)

    def reported(self, charger: str, payload: str) -> None:
        """Take a station's own SecurityEventNotification, 1.6 or 2.x; what can't be read counts as nameless."""
        try:
            report = msgspec.json.decode(payload, type=_Report)
        except (msgspec.DecodeError, UnicodeError):
            report = _Report()
        kind = printable(report.type)[:TYPE_LENGTH_MAX]
        self.happened(REPORTED, charger=charger, detail=f"{kind}: {report.techInfo}", kind=kind)

    def _write(self, event: str, charger: str, remote: str, detail: str, kind: str, since: int) -> None:
        details = {"event": event, "type": kind, "remote": remote, "detail": detail, "more_of_it_before": since}
        summary = f"{event}: {detail or EVENTS[event]}" + (f" ({since} more of it before)" if since else "")
        self._record(HistoryEvent(self._clock.now(), SECURITY_EVENT, summary, charger=charger, details=details))
