"""Superseded: where a plan touches legs whose back-ends have set credentials of their own, it says so.

What a back-end has set counts until the spec, or the secret that it refers to, is another: who reads the plan would
else take the reference for what is in use.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.live import LiveCharger

_NAMED: Final = 3
_BACK: Final = (
    "to go back, put another secret behind the reference, or name another one: the newer counts; "
    "fwdctl drift shows every such leg"
)


def superseded(chargers: Iterable[str], live: Mapping[str, LiveCharger]) -> Iterator[Diagnostic]:
    """Yield a warning for each back-end that has set credentials of its own on legs of `chargers`."""
    found: dict[str, list[str]] = {}
    for name in chargers:
        session = live.get(name)
        for leg in session.legs if session is not None else ():
            if leg.credential:
                found.setdefault(leg.backend, []).append(f"{name} ({leg.credential})")
    for backend, legs in sorted(found.items()):
        named = ", ".join(legs[:_NAMED]) + (f" and {len(legs) - _NAMED} more" if len(legs) > _NAMED else "")
        summary = f"what {backend} has set on its own leg counts over the specs there: {named}"
        yield Diagnostic(Severity.WARNING, summary, hint=_BACK)
