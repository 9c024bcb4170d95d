"""Taking a charger over and handing it back: who, for how long, why; what that does, before it is done."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from reconciler.adapters.console.pages import Pages, keep_cookie
from reconciler.adapters.console.visitor import NAME_COOKIE, NAME_MAX
from reconciler.app.courses import Verdict
from reconciler.app.reconciler import Reconciler
from reconciler.app.toggling import ToggleRequest, ToggleResult
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.model.access import Access
from reconciler.model.desired import LOCAL
from reconciler.model.diagnostics import InvalidValue
from reconciler.model.durations import parse_duration
from reconciler.model.site import Site
from reconciler.planning.findings import did_you_mean

DURATIONS: Final = (("30m", "30 min"), ("1h", "1 hour"), ("2h", "2 hours"), ("4h", "4 hours"), ("8h", "8 hours"))
REASON_MAX: Final = 300


class ToggleForm(msgspec.Struct, frozen=True):
    """What the form says, as it was typed; `lasts` "" means until it is handed back."""

    primary: str = LOCAL
    lasts: str = "1h"
    reason: str = ""
    name: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "ToggleForm":
        """Return what was typed."""
        typed = {key: str(given.get(key, "")).strip() for key in ("primary", "lasts", "other", "reason", "name")}
        lasts = typed["other"] if typed["lasts"] == "other" else typed["lasts"]
        return cls(typed["primary"], "" if lasts == "open" else lasts, typed["reason"], typed["name"])

    @property
    def lasts_s(self) -> float | None:
        """Return for how many seconds, None for ever; raises FwdctlError where that can't be read."""
        if not self.lasts:
            return None
        return seconds_of(self.lasts)

    def fault(self) -> str:
        """Return what is missing or wrong, "" where nothing is."""
        if not self.reason:
            return "Say why: the reason goes into history, and whoever is called at night will read it."
        if len(self.reason) > REASON_MAX:
            return f"The reason is longer than {REASON_MAX} characters."
        try:
            lasts_s = self.lasts_s
        except FwdctlError as error:
            return f"{error.summary}; {error.hint}."
        return "The time must be longer than nothing." if lasts_s is not None and lasts_s <= 0 else ""


def seconds_of(text: str) -> float:
    """Return the seconds that "45m" or "2h" means; raises FwdctlError."""
    try:
        return float(parse_duration(text))
    except InvalidValue as error:
        raise FwdctlError(str(error), hint=error.hint) from error


def add_toggle_routes(console: FastAPI, reconciler: Reconciler, pages: Pages) -> None:
    """Add them; the ones that change something need a technician."""

    async def shown(request: Request, name: str, form: ToggleForm, fault: str = "", status: int = 200) -> HTMLResponse:
        site = await reconciler.site()
        return pages.page(
            request,
            "toggle.html",
            status,
            name=name,
            form=form,
            fault=fault,
            backends=_candidates(site, name),
            durations=DURATIONS,
            name_max=NAME_MAX,
            reason_max=REASON_MAX,
        )

    @console.get("/chargers/{name}/toggle")
    async def ask(request: Request, name: str) -> HTMLResponse:
        pages.require(request, Access.TECHNICIAN)
        return await shown(request, name, ToggleForm())

    @console.post("/chargers/{name}/toggle")
    async def toggle(request: Request, name: str) -> Response:
        pages.require(request, Access.TECHNICIAN)
        given = dict(await request.form())
        form = ToggleForm.read(given)
        fault = form.fault()
        try:
            actor = pages.actor(request, form.name)
            if fault or "change" in given:
                return await shown(request, name, form, fault, 422 if fault else 200)
            effects = await reconciler.preview_toggle([name], form.primary)
        except FwdctlError as error:
            return await shown(request, name, form, _sentence(error), 422)
        if "confirmed" not in given:
            return pages.page(request, "toggle_review.html", name=name, form=form, effects=effects)
        result = await reconciler.toggle(ToggleRequest([name], form.primary, form.reason, actor, form.lasts_s))
        answer = pages.redirect(request, f"/chargers/{name}?{_outcome(result)}")
        keep_cookie(request, answer, NAME_COOKIE, form.name)
        return answer

    @console.post("/chargers/{name}/toggle/extend")
    async def extend(request: Request, name: str) -> RedirectResponse:
        pages.require(request, Access.TECHNICIAN)
        given = await request.form()
        actor, reason = pages.actor(request, given.get("name")), str(given.get("reason") or "more time")
        await reconciler.extend_toggle([name], by_s=seconds_of(str(given.get("by"))), reason=reason, actor=actor)
        return pages.redirect(request, f"/chargers/{name}?done=extended")

    @console.post("/chargers/{name}/toggle/end")
    async def end(request: Request, name: str) -> RedirectResponse:
        pages.require(request, Access.TECHNICIAN)
        given = await request.form()
        result = await reconciler.end_toggle([name], actor=pages.actor(request, given.get("name")))
        return pages.redirect(request, f"/chargers/{name}?{_outcome(result, 'ended')}")


def _candidates(site: Site, name: str) -> list[tuple[str, bool]]:
    """Return the back-ends that could be primary on a charger, local first; True where it is theirs already."""
    charger = site.chargers.get(name)
    if charger is None:
        hint = did_you_mean(name, site.chargers, otherwise="the list of chargers has all of them")
        raise UnknownAddress(f"there is no charger {name}", hint=hint)
    owners = set(charger.owners.values())
    fitting = [
        backend.name
        for backend in site.backends.values()
        if backend.name != LOCAL and set(backend.versions) & set(charger.versions)
    ]
    return [(backend, backend in owners) for backend in (LOCAL, *sorted(fitting))]


def _outcome(result: ToggleResult, done: str = "toggled") -> str:
    verdicts = {charger.verdict for charger in result.results}
    if Verdict.FAILED in verdicts:
        return "done=refused"
    return "done=deferred" if Verdict.DEFERRED in verdicts else f"done={done}"


def _sentence(error: FwdctlError) -> str:
    return f"{error.summary[:1].upper()}{error.summary[1:]}" + (f": {error.hint}." if error.hint else ".")
