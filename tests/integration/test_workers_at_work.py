"""A day of `serve --workers 2`: operations and files through the front, certificates, a worker that dies, the end."""

import asyncio
import json
import os
import signal
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.adapters.api_client import ApiClient
from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.integration.websocket.certificates import Authority
from tests.support.fleet_of_nodes import let_in, until_seen
from tests.support.server_process import ServerProcess
from tests.support.service import Depot

FIRMWARE = b"firmware-version: 2.0.0\n" + b"x" * 100_000
HANDSHAKES = 16
"""All of them at one of two workers would be once in 30,000 times."""


async def node_of(server: ServerProcess, charger: str) -> str:
    """Return the node that a charger is connected to, once it is."""
    seen = await until_seen(server, lambda seen: bool(seen.chargers[charger].get("connected")))
    return str(seen.chargers[charger]["node"])


async def certificate_shown(port: int) -> bytes:
    """Return the certificate (DER) that a handshake at the TLS door shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return bytes(shown)


@pytest.mark.slow
async def test_what_a_server_of_one_process_does_two_workers_do(tmp_path: Path, postgres_url: str) -> None:
    certificate, key = Authority("older").server_files(tmp_path, "localhost")
    flags = ("--workers", "2", "--store", postgres_url, "--files", "127.0.0.1:0", "--stations-tls", "127.0.0.1:0")
    async with (
        SimulatedCsms("partner-pay") as csms,
        ServerProcess(tmp_path / "data", *flags, "--tls-cert", str(certificate), "--tls-key", str(key)) as server,
        AsyncExitStack() as stack,
    ):
        first, second = (SimulatedStation(f"CP-00{number}", server.stations_url) for number in (1, 2))
        here = Depot(server, stack.enter_context(ApiClient(server.url)), csms, first, tmp_path)
        await here.roles("passive", "primary")
        nodes: dict[str, str] = {}
        for name, station in (("cp001", first), ("cp002", second)):
            await stack.enter_async_context(let_in(station))
            await station.boot()
            await station.announce()
            nodes[name] = await node_of(server, name)
        while nodes["cp001"] == nodes["cp002"]:  # the kernel chooses by the station's port: each time anew
            await second.disconnect()
            await until_seen(server, lambda seen: not seen.chargers["cp002"]["connected"])
            await second.connect()
            nodes["cp002"] = await node_of(server, "cp002")

        await operations_and_files_reach_both_workers(here, tmp_path)
        await new_certificates_are_shown_by_both_workers(server, tmp_path, (first, second))
        await the_console_counts_what_passed_at_a_worker(here)
        await a_worker_that_dies_in_an_operation_is_told_of(here, second, nodes["cp002"])
        await all_ends_in_good_order(server, csms, (first, second))


async def operations_and_files_reach_both_workers(here: Depot, folder: Path) -> None:
    """The front, which has no station, operates those of both workers; they fetch from it and leave files there."""
    (folder / "fw.bin").write_bytes(FIRMWARE)
    added = await here.server.fwdctl("firmware", "add", folder / "fw.bin")
    assert added.code == 0, added.err
    many = await here.server.fwdctl("op", "cp00*", "get-config", "--keys", "HeartbeatInterval")
    assert many.code == 0, many.out + many.err
    for charger in ("cp001", "cp002"):
        heard = await here.run("trigger", charger, message="StatusNotification", connector=1)
        assert heard["result"]["received"] is True, heard
        logs = await here.run("diagnostics", charger)
        assert logs["state"] == "succeeded", logs
        (left,) = (await asyncio.to_thread(here.api.uploads, charger))["uploads"]
        fetched = await here.server.fwdctl("upload", "get", left["id"], "--out", folder / f"{charger}.log")
        assert fetched.code == 0, fetched.err
        assert (folder / f"{charger}.log").stat().st_size == left["size"]
    updated = await here.run("firmware", file="fw.bin")
    assert updated["state"] == "succeeded", updated
    assert here.station.memory.firmware == "2.0.0"
    await here.station.settle()


async def the_console_counts_what_passed_at_a_worker(here: Depot) -> None:
    """The front, which no message passes, shows how many passed; at once here, as a station that leaves is reported."""
    await here.station.disconnect()
    async with asyncio.timeout(15), httpx.AsyncClient(trust_env=False) as http:
        while "from the charger" not in (page := await console_page(http, here)):
            assert "None counted" in page
    await here.station.connect()


async def console_page(http: httpx.AsyncClient, here: Depot) -> str:
    """Return the page of the depot's charger."""
    return (await http.get(f"{here.server.url}/chargers/cp001")).raise_for_status().text


async def new_certificates_are_shown_by_both_workers(
    server: ServerProcess, folder: Path, stations: tuple[SimulatedStation, ...]
) -> None:
    """SIGHUP to the one process that people know has all read their certificates again; no station notices."""
    port = urlsplit(json.loads((server.data / "serve.json").read_text())["stations_tls"]).port
    assert port is not None
    before = {await certificate_shown(port) for _ in range(HANDSHAKES)}
    assert len(before) == 1
    pem = Authority("newer").server_files(folder, "localhost")[0].read_text()
    os.kill(server.pid, signal.SIGHUP)
    new = ssl.PEM_cert_to_DER_cert(pem)
    async with asyncio.timeout(20):
        while {await certificate_shown(port) for _ in range(HANDSHAKES)} != {new}:
            pass  # each look is sixteen handshakes
    assert [station.unexpected_disconnects for station in stations] == [[], []]


async def a_worker_that_dies_in_an_operation_is_told_of(here: Depot, station: SimulatedStation, node: str) -> None:
    """Whoever waits for it learns that nobody knows, it is not repeated, and the charger is operated again later."""
    assert isinstance(here.server, ServerProcess)
    station.manners.never_answer.add("UnlockConnector")
    left_before = len(station.disconnects)
    running = await here.start("unlock", "cp002")
    await station.wait_for("UnlockConnector")
    os.kill(here.server.children[int(node.rpartition("-")[2])], signal.SIGKILL)
    done = await here.end(running)
    assert done["state"] == "failed", done
    assert "died before it answered" in done["problem"] or done["problem"] == "the charging station left", done
    station.manners.never_answer.clear()
    await station.wait_disconnected(left_before + 1)
    for each in (here.station, station):
        if not each.connected:  # the other one may have been there, too
            await each.connect()
            await each.boot()
    assert [command.action for command in station.commands].count("UnlockConnector") == 1
    assert (await here.run("unlock", "cp002"))["state"] == "succeeded"


async def all_ends_in_good_order(
    server: ServerProcess, csms: SimulatedCsms, stations: tuple[SimulatedStation, ...]
) -> None:
    """SIGTERM closes stations and legs as going away, and leaves no process, no file and no error behind."""
    processes = server.children
    assert len(processes) == 3
    logged = len(server.log)
    before = [len(station.disconnects) for station in stations]
    assert await server.stop() == 0
    await server.until_gone(*processes)
    for station, number in zip(stations, before, strict=True):
        closed = await station.wait_disconnected(number + 1)
        assert (closed.code, closed.asked_for) == (1001, False)
    assert not csms.stations
    assert {connection.closed.code for connection in csms.connections[-2:] if connection.closed} == {1001}
    assert not (server.data / "serve.json").exists()
    assert [line for line in server.log[logged:] if '"level":"error"' in line.replace(" ", "")] == []
    assert [station.violations for station in stations] == [[], []]
    assert csms.violations == []
