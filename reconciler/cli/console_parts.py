"""The console's part of the composition: what it is given, and the work behind its pages that runs besides."""

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import ASGIApp

from reconciler.adapters.console.application import ConsoleParts, build_console
from reconciler.app.admin_access import AdminAccess
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.job_files import JobFiles
from reconciler.app.message_counts import MessageCounts
from reconciler.app.node import RelayNode
from reconciler.app.operations import Operations
from reconciler.app.ports import Clock
from reconciler.app.reconciler import Reconciler
from reconciler.cli.console_door import ConsoleDoor
from reconciler.cli.nodes import JoinedNode


def open_console(
    reconciler: Reconciler,
    runs: ApplyRuns,
    board: FleetBoard,
    node: RelayNode,
    joined: JoinedNode | None,
    operations: Operations,
    files: JobFiles,
    clock: Clock,
    access: AdminAccess,
    vital: Callable[[Coroutine[Any, Any, None], str], object],
) -> ASGIApp:
    """Return the console; `vital` is given the work that has to go on for as long as it is open, and its name."""
    counts = MessageCounts(node, lambda: reconciler.controller.desired, clock)
    if joined is not None:
        counts.follow(joined.mirror, joined.agent.start)
    tap = node.messages if joined is None else joined.tap
    vital(counts.run(), "message counts")
    door = ConsoleDoor(access)
    return build_console(ConsoleParts(reconciler, runs, board, tap, counts, operations, files, clock, door))
