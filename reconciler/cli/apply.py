"""`fwdctl apply`: plan, show, ask, apply exactly what was shown, and follow it to its end."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.app import api_contract
from reconciler.cli import options
from reconciler.cli.output import print_json, say
from reconciler.cli.plan import print_plan
from reconciler.cli.specs import plan_request
from reconciler.errors import FwdctlError
from reconciler.model.durations import parse_duration
from reconciler.model.plan_json import from_json

WAIT_S = 10.0
"""How long one question after progress may stay open at the server."""


def apply(
    files: Annotated[
        list[str] | None, typer.Option("--file", "-f", metavar="FILE|DIR|-", help="Specs to plan and apply; repeatable.")
    ] = None,
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
    parallelism: Annotated[int, typer.Option(min=1, help="Chargers changed at once.")] = 10,
    lock_timeout: Annotated[str, typer.Option(metavar="DURATION", help="Wait so long for another apply.")] = "0s",
    reason: Annotated[str, typer.Option(help="Why; goes to history.")] = "",
    git_author: Annotated[str, typer.Option(envvar="FWDCTL_GIT_AUTHOR", help="Who wrote the commit.")] = "",
    git_commit: Annotated[str, typer.Option(envvar="FWDCTL_GIT_COMMIT", help="The commit that is applied.")] = "",
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> int:
    """Apply specs, or a plan made before, and follow it to its end; deletes nothing without --prune."""
    if sum(source is not None for source in (files or None, plan_file, follow)) != 1:
        raise FwdctlError("what to apply?", hint="one of -f FILE, --plan FILE and --follow ID")
    limits = {"max_disruption": max_disruption, "allow_empty": allow_empty, "allow_delete_all": allow_delete_all}
    with ApiClient(url, token) as api:
        if follow is not None:
            return _follow(api, follow, json_output=json_output)
        if plan_file is not None:
            made = _read_plan(plan_file)
        else:
            scope = {"target": target or [], "exclude": exclude or [], "prune": prune}
            made = api.plan(plan_request(files or [], select=select or [], **scope, **limits))
        if not _wanted(made, auto_approve=auto_approve, json_output=json_output):
            return 0
        started = api.start_apply(
            {
                "plan": made,
                **limits,
                "parallelism": parallelism,
                "lock_timeout_s": parse_duration(lock_timeout),
                "actor": options.actor(),
                "reason": reason,
                "git_author": git_author,
                "git_commit": git_commit,
            }
        )
        return _follow(api, str(started["id"]), json_output=json_output)


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
