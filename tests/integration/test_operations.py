"""Operations on real sockets: a station does what `local` tells it, where `local` owns the feature, and only there."""

import asyncio
from pathlib import Path

import pytest

from reconciler.errors import FwdctlError, NotAvailable, OwnedElsewhere, UnknownAddress
from tests.support.service import depot

VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_reset_is_followed_until_the_station_is_back(tmp_path: Path, version: str) -> None:
    async with depot(tmp_path, version) as here:
        done = await here.run("reset", type="hard")
        assert (done["state"], done["exit_code"], done["error"]) == ("succeeded", 0, None)
        assert done["result"] == {"status": "Accepted", "restarted": True, "firmware": "1.0.0"}
        assert [line["text"] for line in done["progress"]] == [
            "accepted: it restarts",
            "the charging station left",
            "the charging station is back, firmware 1.0.0",
        ]
        assert len(here.station.disconnects) == 1
        assert here.station.unexpected_disconnects == []
        events = (await asyncio.to_thread(here.api.history, "cp001", "operation"))["events"]
        assert [(event["summary"], event["actor"], event["reason"]) for event in events] == [
            ("reset type hard: succeeded", "eva", "visit"),
            ("reset type hard: begun", "eva", "visit"),
        ]


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_small_operation_reaches_the_station(tmp_path: Path, version: str) -> None:
    async with depot(tmp_path, version) as here:
        assert (await here.run("unlock"))["result"] == {"status": "Unlocked"}
        assert (await here.run("availability", state="inoperative", connector=1))["result"] == {"status": "Accepted"}
        assert here.station.memory.connectors[1].operative is False
        heard = await here.run("trigger", message="StatusNotification", connector=1)
        assert heard["result"]["received"] is True
        assert (await here.run("clear-cache"))["state"] == "succeeded"
        assert (await here.run("unlock", connector=9))["state"] in ("declined", "failed")
        assert here.station.violations == []


async def test_configuration_is_read_and_written(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:
        assert (await here.run("set-config", key="HeartbeatInterval", value="77"))["state"] == "succeeded"
        read = await here.run("get-config", keys=["HeartbeatInterval", "Nothing"])
        assert read["result"]["keys"] == [{"key": "HeartbeatInterval", "value": "77"}]
        assert read["result"]["unknown"] == ["Nothing"]
        with pytest.raises(FwdctlError, match="lock it out"):
            await here.start("set-config", key="AuthorizationKey", value="0123456789abcdef")
        assert "0123456789abcdef" not in str(await asyncio.to_thread(here.api.history, "cp001"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_remote_start_and_stop_of_a_transaction_that_a_partner_began(tmp_path: Path, version: str) -> None:
    async with depot(tmp_path, version, partner="primary", local="passive") as here:
        transaction = await here.station.start_transaction(1, "TAG")
        await here.server.fwdctl("toggle", "cp001", "--primary", "local", "--for", "1h", "--reason", "visit")
        stopped = await here.run("remote-stop")
        assert stopped["state"] == "succeeded", stopped
        await here.station.settle()
        assert transaction.stopped
        started = await here.run("remote-start", id_tag="TAG", connector=1)
        assert started["state"] == "succeeded", started


async def test_in_proxy_mode_nothing_reaches_the_station_and_the_way_out_is_told(tmp_path: Path) -> None:
    async with depot(tmp_path, partner="primary", local="passive") as here:
        offers = await here.offers()
        assert not any(offer["available"] for offer in offers.values())
        with pytest.raises(OwnedElsewhere) as told:
            await here.start("unlock")
        assert told.value.exit_code == 9
        assert told.value.summary == "partner-pay owns remote-control on charger.cp001 (proxy mode)"
        assert told.value.details == {
            "charger": "cp001",
            "operation": "unlock",
            "feature": "remote-control",
            "owner": "partner-pay",
            "way_out": 'fwdctl toggle cp001 --primary local --for 1h --reason "..."',
        }
        assert here.station.commands == []


async def test_hybrid_roles_leave_local_what_the_partner_does_not_own(tmp_path: Path) -> None:
    async with depot(tmp_path, partner="billing", local="primary") as here:
        offers = await here.offers()
        assert offers["reset"]["available"]
        assert offers["availability"]["reason"] == "partner-pay owns availability on charger.cp001 (role billing)"
        assert (await here.run("unlock"))["state"] == "succeeded"
        with pytest.raises(OwnedElsewhere):
            await here.start("availability", state="operative")


async def test_a_flip_away_ends_what_is_under_way_and_says_who_did_it(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:
        here.station.obedient = False  # it accepts, and never restarts
        running = await here.start("reset")
        await here.station.wait_for("Reset")
        with pytest.raises(NotAvailable, match="reset of eva is under way"):
            await here.start("reset")
        await here.roles("primary", "passive")
        done = await here.end(running)
        assert (done["state"], done["exit_code"]) == ("taken-away", 9)
        assert "partner-pay owns the feature now" in done["error"]["summary"]
        assert (await asyncio.to_thread(here.api.operations, "cp001"))["operations"][0]["state"] == "taken-away"


async def test_what_is_wrong_is_told_before_anything_begins(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:
        with pytest.raises(UnknownAddress, match="no charger cp00x"):
            await here.start("reset", "cp00x")
        with pytest.raises(UnknownAddress, match="no operation reboot"):
            await here.start("reboot")
        with pytest.raises(FwdctlError, match="there is no parameter kind"):
            await here.start("reset", kind="hard")
        with pytest.raises(NotAvailable, match="cp002 is offline"):
            await here.start("reset", "cp002")
        with pytest.raises(NotAvailable, match=r"OCPP 1\.6 has no get-variables"):
            await here.start("get-variables", variables=["A.B"])
        with pytest.raises(FwdctlError, match=r"OCPP 1\.6 has no reset of type on-idle"):
            await here.start("reset", type="on-idle")
        assert (await asyncio.to_thread(here.api.operations))["operations"] == []
        with pytest.raises(UnknownAddress):
            await here.end("nothing")


async def test_a_station_that_leaves_before_it_answers_ends_the_operation(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:
        here.station.manners.never_answer.add("UnlockConnector")
        running = await here.start("unlock")
        await here.station.wait_for("UnlockConnector")
        await here.station.disconnect()
        done = await here.end(running)
        assert (done["state"], done["problem"]) == ("failed", "the charging station left")


async def test_a_restart_of_the_server_marks_what_it_left_running(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:
        here.station.obedient = False
        running = await here.start("reset")
        assert (await asyncio.to_thread(here.api.operation, running, 10))["progress"]
    async with depot(tmp_path) as here:
        found = await asyncio.to_thread(here.api.operation, running)
        assert (found["state"], found["exit_code"]) == ("interrupted", 1)
        events = (await asyncio.to_thread(here.api.history, "cp001", "operation"))["events"]
        assert "interrupted" in events[0]["summary"]
