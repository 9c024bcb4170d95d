"""What the admin API answers about outages, failovers, and why a charger runs as it does."""

from typing import Any

from starlette.responses import JSONResponse

from reconciler.adapters.admin_api.answers import answer, instant, result_json
from reconciler.app.courses import ChargerResult, exit_code_of
from reconciler.app.outage_desk import OutageChange, OutageStatus
from reconciler.model.failovers import Failover
from reconciler.model.notices import OutageNotice
from reconciler.model.outages import Occurrence
from reconciler.planning.explain import Explanation

Json = dict[str, Any]


def outages(statuses: tuple[OutageStatus, ...]) -> JSONResponse:
    """Return every outage that is open or will be."""
    return answer(outages=[_outage(status) for status in statuses])


def occurrences(found: tuple[Occurrence, ...]) -> JSONResponse:
    """Return openings in the order given."""
    return answer(occurrences=[_occurrence(one) for one in found])


def outage_change(change: OutageChange) -> JSONResponse:
    """Return one opening as it now is, and what became of each charger that this moved."""
    return answer(
        occurrence=_occurrence(change.occurrence),
        results=[result_json(result) for result in change.results],
        exit_code=change.exit_code,
    )


def failovers(found: tuple[Failover, ...]) -> JSONResponse:
    """Return the failovers in force."""
    return answer(
        failovers=[
            {
                "charger": failover.charger,
                "backend": failover.backend,
                "to": failover.to,
                "since": instant(failover.since),
                "back": failover.back,
            }
            for failover in found
        ]
    )


def ended(results: tuple[ChargerResult, ...]) -> JSONResponse:
    """Return what became of the chargers on which failovers were ended."""
    return answer(results=[result_json(result) for result in results], exit_code=exit_code_of(results))


def explanation(found: Explanation) -> JSONResponse:
    """Return who owns what on a charger and which layer made it so."""
    return answer(**explanation_json(found))


def explanation_json(found: Explanation) -> Json:
    """Return the same as data."""
    return {
        "charger": found.charger,
        "at": instant(found.at),
        "decisions": [
            {
                "features": list(decision.features),
                "owner": decision.owner,
                "layer": decision.kind.value,
                "because": decision.because,
            }
            for decision in found.decisions
        ],
        "layers": [
            {
                "layer": layer.kind.value,
                "because": layer.because,
                "until": instant(layer.until) if layer.until is not None else None,
                "verdict": layer.verdict,
            }
            for layer in found.layers
        ],
        "changes_at": instant(found.changes_at) if found.changes_at is not None else None,
        "not_yet": found.not_yet or None,
    }


def notices(found: tuple[OutageNotice, ...]) -> JSONResponse:
    """Return notices in the order given."""
    return answer(notices=[notice_json(notice) for notice in found])


def notice_json(notice: OutageNotice) -> Json:
    """Return who was told what, and whether it arrived."""
    return {
        "outage": notice.announcement.outage,
        "occurrence": notice.occurrence,
        "edge": notice.edge,
        "backend": notice.recipient.backend,
        "recipient": notice.recipient.to,
        "status": notice.status.value,
        "late": notice.late,
        "attempts": notice.attempts,
        "error": notice.error or None,
        "claimed_at": instant(notice.claimed_at),
    }


def _outage(status: OutageStatus) -> Json:
    outage = status.outage
    return {
        "name": outage.name,
        "address": outage.address,
        "chargers": list(outage.chargers),
        "roles": dict(outage.roles),
        "open_transaction": outage.flip.open_transaction if outage.flip is not None else None,
        "reason": outage.reason,
        "begun_by": outage.actor or None,
        "zone": outage.window.zone,
        "open": _occurrence(status.open) if status.open is not None else None,
        "next": _occurrence(status.next) if status.next is not None else None,
        "notices": [notice_json(notice) for notice in status.notices],
    }


def _occurrence(one: Occurrence) -> Json:
    adjusted = one.adjustment
    return {
        "outage": one.outage.name,
        "opening": instant(one.opening),
        "until": instant(one.until),
        "cancelled": one.cancelled,
        "adjusted": {"by": adjusted.actor, "reason": adjusted.reason, "at": instant(adjusted.at)} if adjusted else None,
    }
