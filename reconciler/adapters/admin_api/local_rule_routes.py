"""The routes of the admin API about what `local` does by itself: load policies with their last hours, rules."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.app.load_control import LoadSample
from reconciler.app.notifications import RuleReport
from reconciler.app.reconciler import Reconciler
from reconciler.errors import UnknownAddress
from reconciler.local.load.facts import ChargerLoad, PolicyLoad
from reconciler.model.notices import Delivery

Json = dict[str, object]


def add_local_rule_routes(router: APIRouter, reconciler: Reconciler) -> None:
    """Add the routes to `router`."""

    @router.get("/load-policies")
    async def load_policies() -> JSONResponse:
        pictures = reconciler.load.pictures() if reconciler.load is not None else ()
        if labels := CURRENT_CALL.get().caller.select:
            reached = await reconciler.reach.chargers(labels)
            pictures = tuple(within for picture in pictures if (within := picture.within(reached)).chargers)
        return answers.answer(load_policies=[_policy(picture) for picture in pictures])

    @router.get("/load-policies/{name}/samples")
    async def samples(name: str) -> JSONResponse:
        load = reconciler.load
        if load is None or all(picture.name != name for picture in load.pictures()):
            hint = "fwdctl status lists them; another node may keep it"
            raise UnknownAddress(f"this node keeps no load-policy.{name}", hint=hint)
        return answers.answer(name=name, samples=[_sample(sample) for sample in load.samples(name)])

    @router.get("/notification-rules")
    async def notification_rules() -> JSONResponse:
        reports = await reconciler.told.rules() if reconciler.told is not None else ()
        if labels := CURRENT_CALL.get().caller.select:
            reached = set(await reconciler.reach.chargers(labels))
            reports = tuple(
                report for report in reports if report.rule.chargers <= reached and not report.rule.is_about_the_relay
            )
        return answers.answer(notification_rules=[_rule(report) for report in reports])


def _rule(report: RuleReport) -> Json:
    counts = {status.value: 0 for status in Delivery}
    for message in report.messages:
        counts[message.status.value] += 1
    return {
        "name": report.rule.name,
        "on": sorted(report.rule.on),
        "to": [recipient.key for recipient in report.rule.to],
        "chargers": len(report.rule.chargers),
        "last_hour": counts,
        "undelivered": [
            {
                "subject": message.summary.partition("\n")[0],
                "recipient": message.recipient.to,
                "status": message.status.value,
                "attempts": message.attempts,
                "error": message.error,
            }
            for message in report.messages
            if message.error
        ],
        "not_sent": [
            {"event": one.event, "owner": one.owner, "count": one.count, "last_at": answers.instant(one.last_at)}
            for one in report.suppressed
        ],
    }


def load_json(load: ChargerLoad) -> Json:
    """Return how one charger stands in its policy; power in kW."""
    return {
        "charger": load.charger,
        "governed": not load.why_not,
        "why_not": load.why_not or None,
        "active": load.active,
        "measured_kw": _kw(load.measured_w),
        "limit_kw": _kw(load.limit_w),
        "counted_kw": _kw(load.counted_w),
        "max_kw": _kw(load.rated_w),
        "problem": load.problem or None,
    }


def _policy(picture: PolicyLoad) -> Json:
    return {
        "name": picture.name,
        "limit_kw": _kw(picture.limit_w),
        "reserve_kw": _kw(picture.reserve_w),
        "counted_kw": _kw(picture.counted_w),
        "measured_kw": _kw(picture.measured_w),
        "kept": picture.is_kept,
        "chargers": [load_json(load) for load in picture.chargers],
    }


def _sample(sample: LoadSample) -> Json:
    return {
        "at": answers.instant(sample.at),
        "limit_kw": _kw(sample.limit_w),
        "counted_kw": _kw(sample.counted_w),
        "measured_kw": _kw(sample.measured_w),
    }


def _kw(watts: float | None) -> float | None:
    return None if watts is None else round(watts / 1000, 3)
