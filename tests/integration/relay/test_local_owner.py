"""`local` as owner: the relay itself answers the station, and hands it back."""

import asyncio

import pytest
from msgspec.structs import replace

from reconciler.model.desired import LOCAL, Backend, DesiredCharger, LocalAnswers, Role
from reconciler.model.features import OCPP_VERSIONS
from reconciler.model.live import Ack, LegPhase
from reconciler.testing import CallFailed
from tests.integration.relay.support import Pair, booted, pair, station, until
from tests.support.relay import PASSIVE, PRIMARY, charger, relay

HERE = Backend(LOCAL, "", OCPP_VERSIONS)
ACCEPTING = LocalAnswers(authorize="accept", heartbeat_interval_s=120)


def here(between: Pair, settings: LocalAnswers = ACCEPTING, observer: Role = PASSIVE) -> DesiredCharger:
    """Return cp1 with `local` as its owner and both CSMSs as observers."""
    legs = [(HERE, PRIMARY), (between.backend(between.a), observer), (between.backend(between.b), PASSIVE)]
    return replace(charger("cp1", legs), local=settings)


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_transaction_goes_on_over_a_flip_to_local_and_back(version: str) -> None:
    async with pair() as between, booted(between, version) as connected:
        transaction = await connected.start_transaction(1, "TAG")
        await connected.meter(transaction, 100)
        assert isinstance(await between.relay.run(here(between)), Ack)
        await connected.meter(transaction, 200)
        await connected.heartbeat()
        assert await connected.authorize("OTHER") == "Accepted"
        await connected.status(1, "Charging")
        await between.flip(to=between.a)
        await connected.meter(transaction, 300)
        await connected.stop_transaction(transaction)
        for csms in (between.a, between.b):
            await csms.until(lambda csms=csms: all(billed.stopped for billed in csms.transactions.values()))
            (billed,) = csms.transactions.values()
            assert billed.meter_wh == [100, 200, 300]  # as observers they missed nothing
        between.clean(connected)


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_transaction_that_began_with_local_ends_with_a_back_end_under_an_id_that_it_knows(version: str) -> None:
    async with pair() as between, booted(between, version) as connected:
        await between.relay.run(here(between))
        transaction = await connected.start_transaction(1, "TAG")
        assert transaction.id not in (-1, 100, 900)
        await connected.meter(transaction, 100)
        await between.a.until(lambda: len(between.a.transactions) == 1)
        await between.flip(to=between.a)
        await connected.meter(transaction, 200)
        await connected.stop_transaction(transaction)
        await between.b.until(lambda: all(billed.stopped for billed in between.b.transactions.values()))
        for csms in (between.a, between.b):
            (billed,) = csms.transactions.values()
            assert (billed.meter_wh, billed.stopped) == ([100, 200], True)
        between.clean(connected)
        assert between.relay.live("cp1").transactions == ()


async def test_a_station_whose_only_back_end_is_local_is_served_whole() -> None:
    async with relay() as running:
        await running.run(replace(charger("cp1", [(HERE, PRIMARY)]), local=ACCEPTING))
        async with station(running) as connected:
            answer = await connected.boot()
            assert (answer["status"], answer["interval"]) == ("Accepted", 120)
            await connected.announce()
            first = await connected.start_transaction(1, "TAG")
            await connected.meter(first, 100)
            await connected.stop_transaction(first)
            second = await connected.start_transaction(1, "TAG")
            assert isinstance(first.id, int)
            assert isinstance(second.id, int)
            assert 0 < first.id < second.id < 2**31
            assert await connected.data_transfer("com.example", "hello") == {"status": "UnknownVendorId"}
            assert connected.violations == []


async def test_local_accepts_only_the_tokens_that_an_owner_accepted_before_where_it_is_told_so() -> None:
    async with pair() as between, booted(between) as connected:
        between.a.books.blocked_tags.add("BLOCKED")
        for tag, judged in (("KNOWN", "Accepted"), ("BLOCKED", "Blocked")):
            assert await connected.authorize(tag) == judged
        await between.relay.run(here(between, LocalAnswers(authorize="known")))
        assert await connected.authorize("known") == "Accepted"
        assert await connected.authorize("BLOCKED") == "Invalid"
        assert await connected.authorize("STRANGER") == "Invalid"


async def test_while_local_owns_no_back_end_may_command_but_one_that_may_read_can_read() -> None:
    reader = Role("reader", frozenset(), may_read=True)
    async with pair() as between, booted(between) as connected:
        await between.relay.run(here(between, observer=reader))
        assert (await between.a.call("CP1", "GetConfiguration", {}))["configurationKey"]
        assert await between.a.call("CP1", "Reset", {"type": "Hard"}) == {"status": "Rejected"}
        with pytest.raises(CallFailed, match="SecurityError: local owns"):
            await between.b.call("CP1", "GetConfiguration", {})
        assert [call.action for call in connected.commands] == ["GetConfiguration"]


async def test_stations_stay_while_every_back_end_is_down_and_local_owns() -> None:
    down_after_s = 0.1
    async with pair(settings={"down_after_s": down_after_s}) as between, booted(between) as connected:
        await between.relay.run(here(between))
        await between.a.stop()
        await between.b.stop()
        for csms in (between.a, between.b):
            await until(lambda csms=csms: between.relay.phase("cp1", csms.name) is LegPhase.DOWN)
        loop = asyncio.get_running_loop()
        end = loop.time() + 3 * down_after_s
        while loop.time() < end:
            transaction = await connected.start_transaction(1, "TAG")
            await connected.stop_transaction(transaction)
        assert connected.disconnects == []


async def test_new_settings_of_local_count_from_the_moment_they_run() -> None:
    async with relay() as running:
        await running.run(replace(charger("cp1", [(HERE, PRIMARY)]), local=ACCEPTING))
        async with station(running) as connected:
            assert await connected.authorize("TAG") == "Accepted"
            await running.run(replace(charger("cp1", [(HERE, PRIMARY)]), local=LocalAnswers(authorize="reject")))
            assert await connected.authorize("TAG") == "Invalid"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"odd",{"a":1},"DataTransfer-Signed",{"payload":"x"}]', "NotSupported"),
        ('[2,"odd","MeterValues",{"value":1E400}]', "PropertyConstraintViolation"),
        ('[2,"odd","Invented",{}]', "NotImplemented"),
        ('[2,"odd","GetCertificateChainStatus",{"certificateStatusRequests":5}]', ""),
        ('[2,"odd","Heartbeat",null]', ""),
    ],
)
async def test_what_local_can_not_answer_gets_an_error_and_the_station_stays(frame: str, code: str) -> None:
    async with relay() as running:
        await running.run(charger("cp1", [(HERE, PRIMARY)]))
        async with station(running, "ocpp2.1") as connected:
            await connected.send_raw(frame)
            await connected.heartbeat()
            answers = [raw for raw in connected.raw("received") if b'"odd"' in raw]
            assert len(answers) == 1
            assert code.encode() in answers[0]
            assert connected.disconnects == []
