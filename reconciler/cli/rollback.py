"""`fwdctl rollback`: back to what a revision left, as a plan like any other."""

from typing import Annotated

import typer

from reconciler.adapters.api_client import ApiClient
from reconciler.cli import options
from reconciler.cli.apply import approve_and_apply
from reconciler.cli.specs import labels
from reconciler.planning.pacing import PARALLELISM, RECONNECTS_PER_S


def rollback(
    revision: Annotated[int, typer.Argument(min=1, help="The revision to go back to: fwdctl history --kind apply.")],
    auto_approve: Annotated[bool, typer.Option("--auto-approve", help="Do not ask; for pipelines.")] = False,
    target: options.Target = None,
    exclude: options.Exclude = None,
    select: options.Select = None,
    prune: Annotated[bool, typer.Option("--prune", help="Delete what was applied since, too.")] = False,
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
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> int:
    """Plan the way back to a revision, show it, ask, and apply it; deletes nothing without --prune."""
    limits = {
        "max_disruption": max_disruption,
        "allow_empty": allow_empty,
        "allow_delete_all": allow_delete_all,
        "override_window": override_window,
    }
    scope = {"select": labels(select or []), "target": target or [], "exclude": exclude or [], "prune": prune}
    with ApiClient(url, token) as api:
        made = api.plan_back_to({"revision": revision, **scope, **limits})
        order = {
            **limits,
            "wait_for_window": wait_for_window,
            "pace": options.pace(canary, max_failures, parallelism, flips_per_second, reconnects_per_second),
            "lock_timeout_s": options.duration_s("--lock-timeout", lock_timeout),
            "reason": f"back to revision {revision}{f': {reason}' if reason else ''}",
        }
        return approve_and_apply(api, made, order, auto_approve=auto_approve, json_output=json_output)
