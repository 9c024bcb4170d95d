"""`fwdctl apply`: plan, show, ask, apply exactly what was shown, and follow it to its end."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.adapters.git import Commit, commit_named, commit_of
from reconciler.adapters.spec_files import STDIN
from reconciler.app import api_contract
from reconciler.app.courses import Verdict
from reconciler.cli import options
from reconciler.cli.output import print_json, say
from reconciler.cli.plan import print_plan
from reconciler.cli.specs import plan_request
from reconciler.errors import AppliedInPart, FwdctlError
from reconciler.model.plan_json import from_json

WAIT_S: Final = 10.0
"""How long one question after progress may stay open at the server."""

INTERRUPTED: Final = 130
PROGRESS_LINES: Final = 20
NAMED: Final = 10
FAILED: Final = Verdict.FAILED.value
TOLD: Final = (FAILED, Verdict.SKIPPED.value)
"""Verdicts that are told charger by charger; the others are counted, and the plan has named them."""

Specs = Annotated[
    list[str] | None,
    typer.Option("--file", "-f", metavar="FILE|DIR|-", help="Specs to plan and apply; repeatable."),
]


def apply(
    files: Specs = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Apply exactly this plan (of fwdctl plan --out).")
    ] = None,
    follow: Annotated[str | None, typer.Option(metavar="ID", help="Follow an apply that already runs.")] = None,
    auto_approve: Annotated[bool, typer.Option("--auto-approve", help="Do not ask; for pipelines.")] = False,
    target: options.Target = None,
    exclude: options.Exclude = None,
    select: options.Select = None,
    prune: options.Prune = False,
    max_disruption: options.MaxDisruption = None,
    allow_empty: options.AllowEmpty = False,
    allow_delete_all: options.AllowDeleteAll = False,
    override_window: options.OverrideWindow = False,
    wait_for_window: options.WaitForWindow = False,
    parallelism: Annotated[int, typer.Option(min=1, help="Chargers changed at once.")] = 10,
    lock_timeout: Annotated[str, typer.Option(metavar="DURATION", help="Wait so long for another apply.")] = "0s",
    reason: Annotated[str, typer.Option(help="Why; goes to history.")] = "",
    git_ref: options.GitRef = None,
    git_author: options.GitAuthor = "",
    git_commit: options.GitCommit = "",
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> int:
    """Apply specs, or a plan made before, and follow it to its end; deletes nothing without --prune."""
    if sum(source is not None for source in (files or None, plan_file, follow)) != 1:
        raise FwdctlError("what to apply?", hint="one of -f FILE, --plan FILE and --follow ID")
    limits = {
        "max_disruption": max_disruption,
        "allow_empty": allow_empty,
        "allow_delete_all": allow_delete_all,
        "override_window": override_window,
    }
    origin = _origin(files or [], git_ref, git_author, git_commit)
    with ApiClient(url, token) as api:
        if follow is not None:
            return follow_to_end(api, follow, json_output=json_output)
        if plan_file is not None:
            made = _read_plan(plan_file)
        else:
            scope = {"target": target or [], "exclude": exclude or [], "prune": prune}
            made = api.plan(plan_request(files or [], select=select or [], **scope, **limits))
        if not wanted(made, auto_approve=auto_approve, json_output=json_output):
            return 0
        started = api.start_apply(
            {
                "plan": made,
                **limits,
                "wait_for_window": wait_for_window,
                "parallelism": parallelism,
                "lock_timeout_s": options.duration_s("--lock-timeout", lock_timeout),
                "actor": options.actor(),
                "reason": reason,
                **origin,
            }
        )
        return follow_to_end(api, str(started["id"]), json_output=json_output)


def _origin(sources: list[str], ref: str | None, author: str, commit: str) -> dict[str, str]:
    """Return the author and commit that go to history: as given, else of `ref`, else of the specs' own checkout."""
    files = [source for source in sources if source != STDIN]
    if ref is not None:
        found: Commit | None = commit_named(ref, files)
    else:
        found = commit_of(files) if files == sources and not commit else None
    return {
        "git_author": author or (found.author if found else ""),
        "git_commit": commit or (found.id if found else ""),
    }


def _read_plan(file: Path) -> dict[str, Any]:
    try:
        plan = json.loads(file.read_text())
    except OSError as error:
        raise FwdctlError(f"the plan {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise FwdctlError(f"{file} is no plan: {error}", hint="make one: fwdctl plan -f ... --out FILE") from error
    if not isinstance(plan, dict):
        raise FwdctlError(f"{file} is no plan", hint="make one: fwdctl plan -f ... --out FILE")
    return plan


def wanted(made: Json, *, auto_approve: bool, json_output: bool) -> bool:
    """Show the plan, and return whether to apply it: it does something, and a person or --auto-approve says yes."""
    plan = from_json(made)
    if not json_output:
        print_plan(plan)
    if plan.is_empty:
        return json_output  # a machine gets the same kind of answer, of an apply that does nothing
    if auto_approve:
        return True
    if json_output or not sys.stdin.isatty():
        raise FwdctlError("nobody can be asked whether to apply this", hint="--auto-approve applies without asking")
    if not typer.confirm("Apply this?", err=True):
        raise FwdctlError("not applied: the answer was no")
    return True


def follow_to_end(api: ApiClient, apply_id: str, *, json_output: bool) -> int:
    """Tell how the apply goes until it is done; return its exit code, or raise what it failed with."""
    seen = 0
    try:
        while True:
            state = api.apply_state(apply_id, WAIT_S, seen)
            for step in state["progress"]:
                _tell_step(step)
            seen = state["seen"]
            if state["state"] == "done":
                break
    except KeyboardInterrupt:
        say(f"\nthe apply goes on in the server; follow it again: fwdctl apply --follow {apply_id}")
        return INTERRUPTED
    if state["error"] is not None:
        raise api_contract.error_from_json(state)
    if json_output:
        print_json(state)
    else:
        _print_result(state["result"])
    return _verdict(state["result"], int(state["exit_code"]))


def _tell_step(step: Json) -> None:
    match step["step"]:
        case "waiting":
            say(f"waiting for a change window: eligible at {step['eligible_at']}")
        case "committed":
            say(f"committed, {step['total']} chargers to bring there")
        case "charger" if (result := step["result"])["verdict"] in TOLD:
            say(f"  {result['charger']}: {result['verdict']}, {result['reason']}")
        case "charger" if step["done"] % (step["total"] // PROGRESS_LINES + 1) == 0:
            say(f"  {step['done']} of {step['total']} chargers")


def _print_result(result: Json) -> None:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in result["counts"].items())
    typer.echo(f"Applied as revision {result['revision']}. Chargers: {counts or 'none touched'}.")


def _verdict(result: Json, exit_code: int) -> int:
    """Return 0 for an apply that went well, raise what the exit code stands for otherwise."""
    if result["leftover"]:
        raise FwdctlError(
            f"a new plan is not empty, it would still change {', '.join(result['leftover'])}",
            hint="fwdctl history shows who else changed it",
        )
    if exit_code == AppliedInPart.exit_code:
        failed = [charger["charger"] for charger in result["results"] if charger["verdict"] == FAILED]
        raise AppliedInPart(
            f"{len(failed)} of {len(result['results'])} chargers failed: {', '.join(failed[:NAMED])}"
            + (" ..." if len(failed) > NAMED else ""),
            hint="the specs are applied and the server keeps trying: fwdctl status",
        )
    return exit_code
