"""The story: examples/02-flip from nothing to a live flip, told while it happens and checked at its end."""

import asyncio
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from reconciler.cli.demo import witness
from reconciler.cli.demo.checks import Checks
from reconciler.cli.demo.depot import (
    DISPENSERS,
    FLIPPED,
    GRID,
    PARTNER,
    Session,
    charging_profile,
    started_at_the_charger,
    started_remotely,
)
from reconciler.cli.demo.screen import Screen
from reconciler.cli.demo.stage import EXAMPLE, Stage
from reconciler.errors import FwdctlError
from reconciler.planning.render import NO_CHANGES
from reconciler.testing import CallFailed, CallInvalid, SimulatedCsms, SimulatedStation

PARTNER_IS_PRIMARY: Final = "[{backend: partner-pay, role: primary}, {backend: grid-co, role: passive}]"
GRID_IS_PRIMARY: Final = "[{backend: partner-pay, role: passive}, {backend: grid-co, role: primary}]"
ENDS: Final = ("StopTransaction", "TransactionEvent")
TO_TRY: Final = (
    "fwdctl status",
    "fwdctl status charger.cp001",
    'fwdctl toggle cp001 --primary local --for 2h --reason "site visit"',
    "fwdctl toggle cp001 --end",
    "fwdctl history --charger cp001",
    "edit site.yaml, then: fwdctl plan -f site.yaml; fwdctl apply -f site.yaml",
)
READINGS: Final = 3
"""Meter values of each car before the flip, and after it."""


async def play(*, keep: bool) -> int:
    """Play it; return 0 if everything expected was observed, else 1. `keep` leaves it running until Ctrl-C."""
    screen, checks = Screen(), Checks()
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fwdctl-demo-")))
        screen.step("Two back-ends, and a fwdctl server that knows nothing yet")
        stage = await Stage.set_up(directory, screen, checks, stack)
        try:
            await _acts(stage)
        except (TimeoutError, ConnectionError, LookupError, CallFailed, CallInvalid, FwdctlError) as error:
            checks.expect("the demo reaches its end", "yes", f"no: {error}")
        screen.step("What was to be observed, and what was")
        screen.checks(checks.made)
        if not checks.hold:
            screen.failure("not everything was as expected; the end of the server's log:")
            screen.say(stage.server.log)
            return 1
        screen.say("all of it was observed on real sockets")
        if keep:
            await _keep(stage)
    return 0


async def _acts(stage: Stage) -> None:
    await _apply_the_site(stage)
    await _chargers_come(stage)
    sessions = await _two_cars_charge(stage)
    await _commands_before(stage, sessions[0])
    await _flip(stage, sessions)
    await _commands_after(stage, sessions)
    await _nothing_left_to_do(stage)


async def _apply_the_site(stage: Stage) -> None:
    stage.screen.step(f"Apply examples/{EXAMPLE}: partner-pay is primary everywhere")
    await stage.run("validate", "-f", "site.yaml")
    await stage.run("apply", "-f", "site.yaml", "--auto-approve", "--reason", "first site")


async def _chargers_come(stage: Stage) -> None:
    stage.screen.step("Two chargers, and a cabinet of four dispensers, connect")
    await stage.bring_chargers()
    for station in stage.fleet.values():
        await station.heartbeat()
    await stage.run("status")
    states = [charger["state"] for charger in (await stage.ask("status"))["chargers"]]
    stage.checks.expect("chargers that run what was applied", 6, states.count("in sync"))


async def _two_cars_charge(stage: Stage) -> list[Session]:
    stage.screen.step("Two cars charge at depot A")
    backends, fleet = stage.backends, stage.fleet
    first = await started_remotely(backends.partner, fleet["CP-001"], backends)
    known_as = ", ".join(f"{csms.name} knows it as {first.billed(csms).id}" for csms in backends.both)
    stage.screen.say(f"partner-pay starts a session on CP-001 (OCPP 1.6): {known_as}")
    second = await started_at_the_charger(fleet["CP-002"], backends)
    stage.screen.say("a driver starts one on CP-002 (OCPP 2.0.1), with a card that partner-pay accepts")
    for session in (first, second):
        for _ in range(READINGS):
            await session.meter()
    return [first, second]


async def _commands_before(stage: Stage, session: Session) -> None:
    stage.screen.step("Who may command what")
    partner, grid, dispenser = stage.backends.partner, stage.backends.grid, DISPENSERS[0]
    await stage.refuses(grid, "CP-001", "RemoteStopTransaction", {"transactionId": session.billed(grid).id})
    stage.screen.say("depot B is a hybrid: partner-pay is primary, and smart charging is grid-co's")
    await stage.refuses(partner, dispenser, "SetChargingProfile", charging_profile(50_000))
    await stage.obeys(grid, dispenser, "SetChargingProfile", charging_profile(30_000))
    profiles = len(stage.fleet[dispenser].memory.profiles)
    stage.checks.expect(f"charging profiles that {dispenser} holds", 1, profiles)


async def _flip(stage: Stage, sessions: list[Session]) -> None:
    stage.screen.step("While both cars charge, flip depot A to grid-co: edit one line")
    lines = stage.site.replace(PARTNER_IS_PRIMARY, GRID_IS_PRIMARY)
    stage.screen.edit(stage.site.file.name, lines)
    stage.checks.expect("lines of YAML edited", 1, len(lines))
    await stage.run("plan", "-f", "site.yaml")
    planned = (await stage.ask("plan", "-f", "site.yaml"))["summary"]
    stage.checks.expect("plan: resources to change", 1, planned["change"])
    stage.checks.expect("plan: chargers to flip live", 2, planned["flip"])

    stage.screen.say("meanwhile both chargers report meter values, one right after the other")
    before, stop = stage.calls_made(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(session.meter_until(stop))
        await stage.run(
            "apply", "-f", "site.yaml", "--auto-approve", "--reason", "grid-co takes over", beginning="committed"
        )
        stop.set()
    after = stage.calls_made()
    for session in sessions:
        for _ in range(READINGS):
            await session.meter()
    for station in stage.fleet.values():
        await station.heartbeat()
    _look(stage, before, after)


def _look(stage: Stage, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Compare who answered before, while and after the flip was applied."""
    calls = {identity: stage.exchanges(identity) for identity in stage.fleet}
    early = [call for identity in FLIPPED for call in calls[identity][: before[identity]]]
    between = [call for identity in FLIPPED for call in calls[identity][before[identity] : after[identity]]]
    late = [call for identity in FLIPPED for call in calls[identity][after[identity] :]]
    dispensers = [call for identity in DISPENSERS for call in calls[identity]]
    stage.screen.say("who answered CP-001 and CP-002:")
    periods = {"before": early, "while apply ran": between, "after": late}
    stage.screen.answers({title: witness.by_action(period) for title, period in periods.items()})
    told = ", ".join(f"{by} {count}" for by, count in witness.answerers(dispensers).items())
    stage.screen.say(f"who answered the four dispensers, all the time: {told}")
    check = stage.checks.expect
    check("before: calls of depot A answered by", PARTNER, _names(early))
    check("after: calls of depot A answered by", GRID, _names(late))
    handovers = [str(witness.handovers(calls[identity])) for identity in FLIPPED]
    check("hand-overs at CP-001, and at CP-002", "1, 1", ", ".join(handovers))
    check("all the time: calls of depot B answered by", PARTNER, _names(dispensers))


async def _commands_after(stage: Stage, sessions: list[Session]) -> None:
    stage.screen.step("The old owner has no say any more; the new one ends the session that it took over")
    first, second = sessions
    partner, grid = stage.backends.partner, stage.backends.grid
    await stage.refuses(partner, "CP-001", "RemoteStopTransaction", {"transactionId": first.billed(partner).id})
    await stage.obeys(grid, "CP-001", "RemoteStopTransaction", {"transactionId": first.billed(grid).id})
    await second.station.stop_transaction(second.transaction)
    stage.screen.say("the driver at CP-002 unplugs")
    for session in sessions:
        await session.closed()
        identity, billed = session.station.identity, [session.billed(csms) for csms in stage.backends.both]
        ended_by = next(call.answered_by for call in reversed(stage.exchanges(identity)) if call.action in ENDS)
        stage.checks.expect(f"the end of the session on {identity} answered by", GRID, ended_by)
        metered = f"{len(session.readings)} readings, {session.transaction.meter_wh} Wh"
        booked = {f"{len(bill.meter_wh)} readings, {bill.meter_stop_wh:g} Wh" for bill in billed}
        stage.checks.expect(f"the session on {identity} in the books of both", metered, " and ".join(booked))


async def _nothing_left_to_do(stage: Stage) -> None:
    stage.screen.step("Afterwards")
    await stage.run("status")
    await stage.run("history", "--kind", "flip")
    await stage.run("plan", "-f", "site.yaml")
    check, both, fleet = stage.checks.expect, stage.backends.both, stage.fleet
    check("plan afterwards", NO_CHANGES, (await stage.server.fwdctl("plan", "-f", "site.yaml")).text.strip())
    calls = [call for identity in fleet for call in stage.exchanges(identity)]
    unanswered = [call for call in calls if call.answered_by not in (PARTNER, GRID)]
    check(f"calls that no back-end answered, of {len(calls)}", 0, len(unanswered))
    check("charger disconnects", 0, sum(len(station.disconnects) for station in fleet.values()))
    connections = [connection for csms in both for connection in csms.connections]
    check("back-end connections lost", 0, sum(connection.closed is not None for connection in connections))
    ends: list[SimulatedCsms | SimulatedStation] = [*both, *fleet.values()]
    check("OCPP rules broken, as all of them see it", 0, sum(len(end.violations) for end in ends))


def _names(calls: Sequence[witness.Exchange]) -> str:
    return ", ".join(witness.answerers(calls))


async def _keep(stage: Stage) -> None:
    """Leave it running, with a car charging, until Ctrl-C or the server's end."""
    await started_remotely(stage.backends.grid, stage.fleet["CP-001"], stage.backends)
    stage.screen.step("It goes on until Ctrl-C, with a car at CP-001; in another terminal")
    stage.screen.say(f"cd {stage.site.file.parent} && export FWDCTL_URL={stage.server.url}")
    for line in TO_TRY:
        stage.screen.say(line)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    ends = [asyncio.ensure_future(event.wait()) for event in (stop, stage.server.ended)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
