"""What the admin API answers: values of the use cases as JSON data, every answer with its `format_version`."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.responses import JSONResponse, Response, StreamingResponse

from reconciler.app.api_contract import FORMAT_VERSION, error_to_json
from reconciler.app.apply_runs import ApplyRun
from reconciler.app.applying import ApplyProgress, ApplyResult
from reconciler.app.courses import ChargerResult
from reconciler.app.drifting import DriftReport
from reconciler.app.dumping import Newcomer
from reconciler.app.ports import Lock, Retained
from reconciler.app.status import ChargerStatus
from reconciler.app.toggling import ToggleResult
from reconciler.model.features import FEATURES
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LiveCharger
from reconciler.model.overrides import Override
from reconciler.model.rollouts import Hold
from reconciler.planning.drift import Standing
from reconciler.planning.drift_origins import Origin
from reconciler.planning.effective import Layer
from reconciler.planning.explain import layer_text
from reconciler.planning.turns import hold_text

WRITTEN_AT_ONCE: Final = 50
"""Chargers written in one turn of the event loop, a few milliseconds."""

Json = dict[str, Any]


def answer(code: int = 200, /, **fields: Any) -> JSONResponse:
    """Return an answer with these fields and the HTTP status `code`."""
    return JSONResponse({"format_version": FORMAT_VERSION, **fields}, code)


def apply_run(run: ApplyRun, seen: int) -> Response:
    """Return how an apply goes: the steps after number `seen`, and what came of it once it is done.

    There may be thousands of steps and results: msgspec writes them as they are, at a fraction of a microsecond each.
    """
    fields = {
        "format_version": FORMAT_VERSION,
        "id": run.id,
        "state": "done" if run.done else "running",
        "progress": [_progress(step) for step in run.progress[run.seen_here(seen) :]],
        "seen": run.number(seen),
        "result": _apply_result(run.result) if run.result else None,
        "error": error_to_json(run.error)["error"] if run.error else None,
        "exit_code": run.exit_code,
        "started_at": instant(run.started_at) if run.started_at else None,
        "ended_at": instant(run.ended_at) if run.ended_at else None,
    }
    return Response(msgspec.json.encode(fields), media_type="application/json")


def status(chargers: Sequence[ChargerStatus], strangers: int) -> StreamingResponse:
    """Return every charger: what it is to run and what it runs; and how many knocked that are not declared.

    A large fleet is written and sent a few chargers at a time: frames are forwarded on the same event loop.
    """
    return StreamingResponse(_fleet(chargers, strangers), media_type="application/json")


async def _fleet(chargers: Sequence[ChargerStatus], strangers: int) -> AsyncIterator[bytes]:
    yield _written({"format_version": FORMAT_VERSION})[:-1] + b',"chargers":['
    for start in range(0, len(chargers), WRITTEN_AT_ONCE):
        some = chargers[start : start + WRITTEN_AT_ONCE]
        yield (b"," if start else b"") + _written([_charger(charger) for charger in some])[1:-1]
        await asyncio.sleep(0)
    yield b"]," + _written({"strangers": strangers})[1:]


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def dump(documents: Sequence[Mapping[str, Any]], newcomers: Sequence[Newcomer] | None) -> JSONResponse:
    """Return what is applied; and the stations that knocked and are not declared, null where nobody asked."""
    return answer(
        documents=documents,
        newcomers=None
        if newcomers is None
        else [
            {
                "identity": newcomer.stranger.identity,
                "versions": list(newcomer.stranger.versions),
                "security_profile": newcomer.stranger.profile,
                "last_seen": instant(newcomer.stranger.at),
                "knocks": newcomer.stranger.knocks,
                "document": newcomer.document,
            }
            for newcomer in newcomers
        ],
    )


def drift(report: DriftReport) -> JSONResponse:
    """Return what differs from what was applied, field by field, who did it, and how many chargers stand how."""
    states = [standing.state.value for standing in report.standings]
    return answer(
        drifted=[_drifted(standing, report) for standing in report.drifted],
        leg_changes=[
            {
                "charger": change.charger,
                "field": f"legs.{change.backend}.credential",
                "live": change.live,
                "origin": _origin(change.origin),
            }
            for change in report.leg_changes
        ],
        counts={state: states.count(state) for state in dict.fromkeys(states)},
        exit_code=report.exit_code,
    )


def history(events: Sequence[HistoryEvent], kept: Retained) -> JSONResponse:
    """Return events in the order given, and how far back there are any, and revisions; null where nothing is gone."""
    return answer(
        events=[event_json(event) for event in events],
        kept={
            "events_since": instant(kept.events_since) if kept.events_since is not None else None,
            "revision": kept.revision or None,
            "revision_at": instant(kept.revision_at) if kept.revision_at is not None else None,
        },
    )


def toggle(result: ToggleResult) -> JSONResponse:
    """Return the overrides made or ended, and what became of each charger."""
    return answer(
        overrides=[_override(override) for override in result.overrides],
        results=[result_json(charger) for charger in result.results],
        exit_code=result.exit_code,
    )


def toggles(overrides: Sequence[Override]) -> JSONResponse:
    """Return the overrides in force."""
    return answer(overrides=[_override(override) for override in overrides])


def lock(held: Lock | None) -> JSONResponse:
    """Return the lock, null where it is free."""
    if held is None:
        return answer(lock=None)
    return answer(
        lock={
            "holder": held.holder,
            "purpose": held.purpose,
            "acquired_at": instant(held.acquired_at),
            "expires_at": instant(held.expires_at),
        }
    )


def _charger(status: ChargerStatus) -> Json:
    return {
        "charger": status.name,
        "identity": status.desired.identity if status.desired else None,
        "labels": dict(status.desired.labels) if status.desired else {},
        "declared_by": status.declared_by or None,
        "bound_by": status.bound_by or None,
        "state": status.standing.state.value,
        "differences": list(status.standing.differences),
        "desired_owners": _owners(status.desired.owners) if status.desired else None,
        "override": _override(status.override) if status.override else None,
        "paused": status.paused or None,
        "held": _hold(status.hold) if status.hold else None,
        "decided_by": _layer(status.layer) if status.layer else None,
        "live": _live(status.live) if status.live else None,
    }


def _hold(hold: Hold) -> Json:
    return {"revision": hold.base, "apply": hold.rollout, "because": hold_text(hold)}


def _layer(layer: Layer) -> Json:
    until = instant(layer.until) if layer.until is not None else None
    return {"layer": layer.kind.value, "because": layer_text(layer), "until": until}


def _live(live: LiveCharger) -> Json:
    return {
        "connected": live.connected,
        "since": _epoch(live.since_s),
        "version": live.version,
        "generation": live.generation,
        "connections": live.connections,
        "certificate_expires": _epoch(live.certificate_expires_s),
        "owners": _owners(live.owners) if live.owners is not None else None,
        "refused": {"generation": live.refused.generation, "reason": live.refused.reason} if live.refused else None,
        "node": live.node,
        "legs": [
            {
                "backend": leg.backend,
                "role": leg.role,
                "phase": leg.phase.value,
                "since": _epoch(leg.since_s),
                "detail": leg.detail,
                "frames": leg.calls,
                "credential": leg.credential or None,
                "certificate_expires": _epoch(leg.certificate_expires_s),
            }
            for leg in live.legs
        ],
        "residue": [
            {"kind": left.kind, "owner": left.owner, "count": left.count, "stuck": left.stuck} for left in live.residue
        ],
        "kept_calls": live.kept_calls,
        "transactions": [
            {"id": open_.id, "owner": open_.owner, "since": _epoch(open_.since_s), "connector": open_.connector}
            for open_ in live.transactions
        ],
    }


def _owners(owners: Any) -> Json:
    return {feature: owners[feature] for feature in FEATURES if feature in owners}


def _override(override: Override) -> Json:
    return {
        "id": override.id,
        "charger": override.charger,
        "roles": dict(override.roles),
        "start": instant(override.start),
        "until": instant(override.until) if override.until else None,
        "reason": override.reason,
        "actor": override.actor,
    }


def _drifted(standing: Standing, report: DriftReport) -> Json:
    origin = report.origins.get(standing.charger)
    return {
        "charger": standing.charger,
        "state": standing.state.value,
        "differences": list(standing.differences),
        "fields": [{"field": one.field, "applied": one.applied, "live": one.live} for one in standing.fields],
        "origin": _origin(origin) if origin else None,
        "paused": report.paused.get(standing.charger),
    }


def _origin(origin: Origin) -> Json:
    return {"who": origin.who, "why": origin.why or None, "at": instant(origin.at) if origin.at else None}


def event_json(event: HistoryEvent) -> Json:
    """Return one event of history."""
    return {
        "seq": event.seq,
        "at": instant(event.at),
        "kind": event.kind,
        "charger": event.charger or None,
        "summary": event.summary,
        "actor": event.actor,
        "reason": event.reason,
        "revision": event.revision,
        "details": dict(event.details),
    }


def _progress(step: ApplyProgress) -> ApplyProgress | Json:
    """Return a step as msgspec is to write it; only its time is written otherwise than it would by itself."""
    if step.eligible_at is None:
        return step
    return msgspec.structs.asdict(step) | {"eligible_at": instant(step.eligible_at)}


def _apply_result(result: ApplyResult) -> Json:
    return {
        "plan_id": result.plan_id,
        "revision": result.revision,
        "counts": {str(verdict): count for verdict, count in result.counts.items()},
        "results": result.results,
        "leftover": result.leftover,
        "stopped": result.stopped,
    }


def result_json(result: ChargerResult) -> Json:
    """Return what became of one charger."""
    return {"charger": result.charger, "verdict": result.verdict.value, "reason": result.reason}


def instant(moment: datetime) -> str:
    """Return a time as every answer writes it: UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _epoch(seconds: float) -> str | None:
    return instant(datetime.fromtimestamp(seconds, UTC)) if seconds else None
