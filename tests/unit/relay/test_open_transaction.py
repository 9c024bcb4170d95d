"""An open transaction keeps its owner where `openTransaction` says so, over reconnections and restarts too (R10)."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model.desired import FlipPolicy, OpenTransaction
from reconciler.relay import commands
from reconciler.relay.memory import SessionMemory
from reconciler.relay.open_transaction import begins_with, holds_back
from reconciler.relay.session import Session
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger, hybrid

HOME = charger({"home": PRIMARY, "partner": PASSIVE})


def partner(policy: OpenTransaction, **options: Any) -> Any:
    return charger({"home": PASSIVE, "partner": PRIMARY}, FlipPolicy(policy), **options)


def charging() -> Dialogue:
    d = Dialogue(HOME)
    d.begins()
    d.station_sends('[2,"t","StartTransaction",{"connectorId":1}]')
    for name in ("home", "partner"):
        d.csms_sends(name, '[3,"t",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]')
    d.expect(
        to=dict.fromkeys(("home", "partner"), '[2,"t","StartTransaction",{"connectorId":1}]'),
        to_station='[3,"t",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]',
    )
    d.took(commands.RememberCharger)
    return d


def restarted(memory: SessionMemory) -> SessionMemory:
    stored = json.loads(json.dumps(memory.snapshot()))
    return SessionMemory.restored(memory.version, memory.boot, memory.statuses, stored, 0.0)


@pytest.mark.parametrize("policy", ["wait", "skip"])
@pytest.mark.parametrize("restart", [False, True], ids=["reconnects", "relay restarts"])
def test_the_next_session_begins_with_the_owner_of_the_open_transaction(policy: OpenTransaction, restart: bool) -> None:
    d = charging()
    d.station_leaves()
    memory = restarted(d.memory) if restart else d.memory
    wanted = partner(policy)
    assert holds_back(HOME, wanted, memory) == f"transaction 7 is open and openTransaction is {policy}"
    session = Session("ocpp1.6", 9, wanted, memory, iter("abc").__next__)
    (runs,) = [it for it in session.open(0.0) if isinstance(it, commands.GenerationRuns)]
    assert (runs.generation, set(runs.owners.values())) == (8, {"home"})
    assert set(session.state.table.owners.values()) == {"home"}
    assert session.begins == replace(wanted, legs=HOME.legs, owners=HOME.owners, flip=HOME.flip)


def test_once_it_is_over_the_next_session_begins_with_what_is_wanted() -> None:
    d = charging()
    d.station_sends('[2,"u","StopTransaction",{"transactionId":7}]')
    d.csms_sends("home", '[3,"u",{}]')
    memory = restarted(d.memory)
    assert memory.ran is None
    wanted = partner("wait")
    assert begins_with(wanted, memory, "ocpp1.6") is wanted
    assert Session("ocpp1.6", 9, wanted, memory, iter("abc").__next__).generation == 9


def test_what_does_not_move_the_transaction_or_may_do_so_is_begun_with() -> None:
    memory = restarted(charging().memory)
    others = charger({"home": PRIMARY, "partner": hybrid("diagnostics")}, FlipPolicy("wait"))
    for wanted in (partner("proceed"), others):
        assert begins_with(wanted, memory, "ocpp1.6") is wanted


def test_a_step_in_mid_transaction_is_stored_so_that_its_owner_stays() -> None:
    d = charging()
    d.flips(partner("proceed"))
    assert d.took(commands.RememberCharger)
    back = charger({"home": PRIMARY, "partner": PASSIVE}, FlipPolicy("wait"))
    assert begins_with(back, restarted(d.memory), "ocpp1.6").owners == partner("proceed").owners


def test_roles_of_before_are_reached_as_their_back_ends_are_now() -> None:
    memory = restarted(charging().memory)
    wanted = partner("wait")
    (home, eye) = wanted.legs
    moved = replace(wanted, legs=(replace(home, backend=replace(home.backend, url="wss://new.example/")), eye))
    found = begins_with(moved, memory, "ocpp1.6").leg("home")
    assert found is not None
    assert (found.backend.url, found.role) == ("wss://new.example/", PRIMARY)


def test_roles_of_before_that_the_station_can_no_longer_be_spoken_to_with_are_not_taken_up() -> None:
    memory = restarted(charging().memory)
    assert memory.ran is not None
    only_16 = tuple(replace(leg, backend=replace(leg.backend, versions=("ocpp1.6",))) for leg in memory.ran.legs)
    memory.ran = replace(memory.ran, legs=only_16)
    wanted = partner("wait")
    assert begins_with(wanted, memory, "ocpp2.0.1") is wanted


def test_what_another_release_wrote_otherwise_is_left_alone() -> None:
    d = charging()
    stored = {**d.memory.snapshot(), "ran": '{"roles":[]}'}
    assert SessionMemory.restored("ocpp1.6", None, {}, stored, 0.0).ran is None
