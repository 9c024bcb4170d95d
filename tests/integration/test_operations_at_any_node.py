"""Operations asked at one node are carried out on stations of another, and go on where the station comes back."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from reconciler.adapters.api_client import ApiClient
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.fleet_of_nodes import let_in, seen_at, until_seen
from tests.support.server import running_server
from tests.support.service import Depot


async def seen_live(url: str, charger: str, station: SimulatedStation) -> bool:
    """Return whether the console of a node shows what a station says at another one."""
    address = f"{url}/chargers/{charger}/messages/stream?action=Authorize"
    async with asyncio.timeout(15), httpx.AsyncClient(trust_env=False) as http, http.stream("GET", address) as stream:
        async for line in stream.aiter_lines():
            if "Authorize" in line:
                return True
            await station.authorize("TAG")  # at each sign of life of the stream
    return False


async def test_operations_asked_at_any_node_follow_the_station_wherever_it_is(
    tmp_path: Path, postgres_url: str
) -> None:
    async with (
        SimulatedCsms("partner-pay") as csms,
        running_server(tmp_path / "a", store=postgres_url) as there,
        running_server(tmp_path / "b", store=postgres_url, files="127.0.0.1:0") as asked,
        AsyncExitStack() as stack,
    ):
        api = stack.enter_context(ApiClient(asked.url))
        first = SimulatedStation("CP-001", there.stations_url)
        here = Depot(asked, api, csms, first, tmp_path)
        await here.roles("passive", "primary")
        for station in (first, second := SimulatedStation("CP-002", there.stations_url)):
            await stack.enter_async_context(let_in(station))
            await station.boot()
            await station.announce()

        read = await here.run("get-config", keys=["HeartbeatInterval"])
        assert read["state"] == "succeeded", read
        assert [one["key"] for one in read["result"]["keys"]] == ["HeartbeatInterval"]
        nodes = {live["node"] for live in (await seen_at(asked)).chargers.values()}
        assert len(nodes) == 1
        heard = await here.run("trigger", message="StatusNotification", connector=1)
        assert heard["result"]["received"] is True  # what the station says comes back, too
        assert await seen_live(asked.url, "cp002", second)
        transaction = await second.start_transaction(1, "TAG")
        await until_seen(asked, lambda seen: bool(seen.chargers["cp002"]["transactions"]))
        assert (await here.run("remote-stop", "cp002"))["state"] == "succeeded"
        await second.settle()
        assert transaction.stopped

        logs = await here.run("diagnostics")
        assert logs["state"] == "succeeded", logs  # uploaded to the node that was asked

        first.url_base = asked.stations_url  # a load balancer sends it elsewhere
        reset = await here.run("reset", type="hard")
        assert reset["result"] == {"status": "Accepted", "restarted": True, "firmware": "1.0.0"}, reset
        first.url_base = there.stations_url
        api_there = stack.enter_context(ApiClient(there.url))
        other = Depot(there, api_there, csms, first, tmp_path)
        back = await other.run("reset", type="hard")
        assert back["result"]["restarted"] is True, back
        followed = await asyncio.to_thread(api.operation, back["id"], 10, 0)  # asked at the other node
        assert followed["done"]
        assert followed["progress"] == back["progress"]

        many = await asked.fwdctl("op", "cp00*", "get-config", "--keys", "HeartbeatInterval")
        assert many.code == 0, many.out + many.err
        assert [station.violations for station in (first, second)] == [[], []]
