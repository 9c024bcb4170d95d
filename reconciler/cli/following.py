"""Following an apply: a bar for a person at a terminal, lines for a log, a stream of JSON objects for a machine."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.app import api_contract
from reconciler.app.api_contract import FORMAT_VERSION
from reconciler.app.courses import HELD_BACK, Verdict
from reconciler.cli import options
from reconciler.cli.output import say, terminal
from reconciler.errors import AppliedInPart, FwdctlError, ServerUnreachable
from reconciler.planning.render import chargers, names

WAIT_S: Final = 10.0
"""How long one question after progress may stay open at the server."""
AWAY_S: Final = 60.0
"""How long a server that is being restarted is waited for: it goes on with the apply."""
ASK_AGAIN_S: Final = 1.0

INTERRUPTED: Final = 130
PROGRESS_LINES: Final = 20
NAMED: Final = 10
FAILED: Final = Verdict.FAILED.value
TOLD: Final = (FAILED, Verdict.SKIPPED.value)
"""Verdicts that are told charger by charger; the others are counted, and the plan has named them."""


class Screen(Protocol):
    """Whoever is shown how it goes."""

    def step(self, step: Json) -> None:
        """Show one step of progress."""


class Lines:
    """A log: a line for what matters, and one now and then for how far it is."""

    def step(self, step: Json) -> None:
        """Say it on stderr."""
        match step["step"]:
            case "waiting":
                say(f"waiting for a change window: eligible at {step['eligible_at']}")
            case "returning":
                waits = f"; the others are waited for, {step['why']}" if step["why"] else ""
                say(f"taken up again: {step['done']} of {chargers(step['total'])} are connected again{waits}")
            case "committed":
                left = step["total"] - step["done"]
                say(f"committed, {chargers(left)} to bring there" if left else "committed")
            case "canary":
                say(f"the canary is confirmed: {chargers(step['done'])}")
            case "charger" if (result := step["result"])["verdict"] in TOLD:
                say(f"  {result['charger']}: {result['verdict']}, {result['reason']}")
            case "charger" if step["done"] % (step["total"] // PROGRESS_LINES + 1) == 0:
                say(f"  {step['done']} of {chargers(step['total'])}")
            case "stopped":
                say(f"stopped: {step['why']}")


class Bar:
    """A terminal: one bar that moves, and above it a line for what matters."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("applying", total=None)
        self._lines = Lines()

    def step(self, step: Json) -> None:
        """Move the bar; say what a log would be told, but for how far it is."""
        if step["step"] == "charger":
            self._progress.update(self._task, total=step["total"], completed=step["done"])
        if step["step"] != "charger" or step["result"]["verdict"] in TOLD:
            self._lines.step(step)


class Stream:
    """A machine: every step is a line of JSON on stdout."""

    def step(self, step: Json) -> None:
        """Print it."""
        emit("progress", **step)


def emit(kind: str, **fields: Any) -> None:
    """Print one object of the event stream: {format_version, type, ...} on a line of its own."""
    typer.echo(json.dumps({"format_version": FORMAT_VERSION, "type": kind, **fields}, ensure_ascii=False))


@contextmanager
def screen(*, json_output: bool) -> Iterator[Screen]:
    """Give who is to be shown how an apply goes, for the block."""
    if json_output:
        yield Stream()
    elif sys.stderr.isatty():
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=terminal(stderr=True), transient=True) as progress:
            yield Bar(progress)
    else:
        yield Lines()


def follow_to_end(api: ApiClient, apply_id: str, *, json_output: bool) -> int:
    """Tell how the apply goes until it is done; return its exit code, or raise what it failed with.

    Ctrl-C asks it to stop after what is under way, a second one leaves it to the server.
    """
    with screen(json_output=json_output) as shown:
        state = _followed(api, apply_id, shown)
    if state is None:
        say(f"\nthe apply goes on in the server; follow it again: fwdctl apply --follow {apply_id}")
        return INTERRUPTED
    if state["error"] is not None:
        if json_output:
            emit("error", id=apply_id, error=state["error"])
        raise api_contract.error_from_json(state)
    if json_output:
        emit(
            "result",
            **{key: value for key, value in state.items() if key not in ("format_version", "progress", "seen")},
        )
    else:
        _print_result(state["result"])
    return _verdict(apply_id, state["result"], int(state["exit_code"]))


def _followed(api: ApiClient, apply_id: str, shown: Screen) -> Json | None:
    """Return the state of an apply that is done, None where nobody wants to wait for that any longer."""
    seen, interrupted, asked = 0, False, False
    while True:
        try:  # a second Ctrl-C has to be caught wherever it comes
            if interrupted and not asked:
                asked = True
                _ask_to_stop(api, apply_id)
            state = _state(api, apply_id, seen)
            for step in state["progress"]:
                shown.step(step)
            seen = state["seen"]
            if state["state"] == "done":
                return state
        except KeyboardInterrupt:
            if interrupted:
                return None
            interrupted = True


def _ask_to_stop(api: ApiClient, apply_id: str) -> None:
    """Ask the server to stop; one that can't be asked is no end of following."""
    try:
        api.stop_apply(apply_id, options.actor())
    except FwdctlError as error:
        say(f"\nit can't be asked to stop: {error.summary}; Ctrl-C again leaves the apply to the server")
    else:
        say("\nstopping after the chargers that are under way; Ctrl-C again leaves the apply to the server")


def _state(api: ApiClient, apply_id: str, seen: int) -> Json:
    """Return how the apply goes; a server that is away for a moment is waited for."""
    give_up_at_s = time.monotonic() + AWAY_S
    told = False
    while True:
        try:
            return api.apply_state(apply_id, WAIT_S, seen)
        except ServerUnreachable as error:
            if time.monotonic() >= give_up_at_s:
                raise ServerUnreachable(
                    error.summary, hint=f"it goes on with the apply once it is back: fwdctl apply --follow {apply_id}"
                ) from error
            if not told:
                say(f"{error.summary}; waiting for it, the apply goes on once it is back")
                told = True
            time.sleep(ASK_AGAIN_S)


def _print_result(result: Json) -> None:
    for line in later(result["results"]):
        typer.echo(line)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in result["counts"].items())
    typer.echo(f"Applied as revision {result['revision']}. Chargers: {counts or 'none touched'}.")


def later(results: Iterable[Json]) -> Iterator[str]:
    """Yield which chargers the change has yet to come to, and why; those with the same reason in one line."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result["verdict"] in (Verdict.DEFERRED, Verdict.SKIPPED):
            groups.setdefault((result["verdict"], result["reason"]), []).append(result["charger"])
    for (verdict, reason), found in groups.items():
        why = HELD_BACK if reason.startswith(HELD_BACK) else reason  # whoever follows is told why it stopped
        yield f"  {verdict}, {why}: {names(found, verbose=False)}"


def _verdict(apply_id: str, result: Json, exit_code: int) -> int:
    """Return 0 for an apply that went well, raise what the exit code stands for otherwise."""
    if result["leftover"]:
        raise FwdctlError(
            f"a new plan is not empty, it would still change {', '.join(result['leftover'])}",
            hint="fwdctl history shows who else changed it",
        )
    if result["stopped"]:
        back = f"fwdctl rollback {result['revision'] - 1}" if result["revision"] > 1 else "fwdctl plan"
        raise AppliedInPart(
            f"stopped before every charger had its turn: {result['stopped']}; the others run as before",
            hint=f"go on: fwdctl apply --resume {apply_id}; or go back: {back}",
        )
    if exit_code == AppliedInPart.exit_code:
        failed = [charger for charger in result["results"] if charger["verdict"] == FAILED]
        reasons: dict[str, list[str]] = {}
        for charger in failed:
            reasons.setdefault(charger["reason"], []).append(charger["charger"])
        told = [f"{names(found, verbose=False)}: {reason}" for reason, found in reasons.items()]
        raise AppliedInPart(
            f"{len(failed)} of {len(result['results'])} chargers failed: {'; '.join(told[:NAMED])}"
            + ("; ..." if len(told) > NAMED else ""),
            hint="the specs are applied and the server keeps trying: fwdctl status",
        )
    return exit_code
