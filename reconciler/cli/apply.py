"""`fwdctl apply`: plan, show, ask, apply exactly what was shown, and follow it to its end."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.adapters.git import Commit, commit_named, commit_of
from reconciler.adapters.spec_files import STDIN
from reconciler.cli import options
from reconciler.cli.following import emit, follow_to_end
from reconciler.cli.plan import print_plan
from reconciler.cli.specs import planned
from reconciler.errors import FwdctlError
from reconciler.model.plan import Plan
from reconciler.model.plan_json import from_json
from reconciler.planning.pacing import PARALLELISM, RECONNECTS_PER_S

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
    resume: Annotated[str | None, typer.Option(metavar="ID", help="Go on with an apply that was stopped.")] = None,
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
    canary: options.Canary = None,
    max_failures: options.MaxFailures = None,
    parallelism: options.Parallelism = PARALLELISM,
    flips_per_second: options.FlipsPerSecond = None,
    reconnects_per_second: options.ReconnectsPerSecond = RECONNECTS_PER_S,
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
    if sum(source is not None for source in (files or None, plan_file, follow, resume)) != 1:
        raise FwdctlError("what to apply?", hint="one of -f FILE, --plan FILE, --follow ID and --resume ID")
    limits = {
        "max_disruption": max_disruption,
        "allow_empty": allow_empty,
        "allow_delete_all": allow_delete_all,
        "override_window": override_window,
    }
    order = {
        **limits,
        "wait_for_window": wait_for_window,
        "pace": options.pace(canary, max_failures, parallelism, flips_per_second, reconnects_per_second),
        "lock_timeout_s": options.duration_s("--lock-timeout", lock_timeout),
        "reason": reason,
        **_origin(files or [], git_ref, git_author, git_commit),
    }
    with ApiClient(url, token) as api:
        if resume is not None:
            follow = str(api.resume_apply(resume, options.actor())["id"])
        if follow is not None:
            return follow_to_end(api, follow, json_output=json_output)
        if plan_file is not None:
            made = _read_plan(plan_file)
        else:
            scope = {"target": target or [], "exclude": exclude or [], "prune": prune}
            made = planned(api, files or [], select=select or [], **scope, **limits)
        judged = plan_file is None  # a saved plan was judged by what was allowed when it was made
        return approve_and_apply(api, made, order, auto_approve=auto_approve, json_output=json_output, judged=judged)


def approve_and_apply(
    api: ApiClient, made: Json, order: Json, *, auto_approve: bool, json_output: bool, judged: bool = True
) -> int:
    """Show the plan, ask, have the server apply it as `order` says, follow that, and return the exit code.

    `judged`: what blocks the plan was found by what `order` allows; then nobody is asked in vain.
    """
    plan = from_json(made)
    if not json_output:
        print_plan(plan)
    if plan.is_empty and not json_output:
        return 0  # a machine gets the same kind of answer, of an apply that does nothing
    if not plan.is_empty and not auto_approve:
        _ask(plan, order if judged else {}, json_output=json_output)
    started = api.start_apply({"plan": made, **order, "actor": options.actor()})
    if json_output:
        emit("started", id=started["id"], plan_id=made["plan_id"], summary=made["summary"])
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
        hint = "make one: fwdctl plan -f ... --out FILE"
        raise FwdctlError(f"the plan {file} can't be read: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise FwdctlError(f"{file} is no plan: {error}", hint="make one: fwdctl plan -f ... --out FILE") from error
    if not isinstance(plan, dict):
        raise FwdctlError(f"{file} is no plan", hint="make one: fwdctl plan -f ... --out FILE")
    return plan


def _ask(plan: Plan, order: Json, *, json_output: bool) -> None:
    """Return where a person says yes; raises FwdctlError where nobody can be asked, or an apply would be refused."""
    if json_output or not sys.stdin.isatty():
        raise FwdctlError("nobody can be asked whether to apply this", hint="--auto-approve applies without asking")
    if order and plan.blocked:
        from reconciler.app.refusing import refuse_blocked, window_to_wait_for  # rarely wanted, and not free

        if not (order["wait_for_window"] and window_to_wait_for(plan.blocked)):
            refuse_blocked(plan.blocked)
    if not typer.confirm("Apply this?", err=True):
        raise FwdctlError("not applied: the answer was no", hint="nothing was changed")
