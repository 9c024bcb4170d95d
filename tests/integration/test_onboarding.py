"""A fleet taken on as it is: stations knock, `dump --live` writes their specs, and an apply declares them."""

from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.integration.test_cli import site_file
from tests.support.server import Server, running_server


async def knock(server: Server, identity: str) -> int:
    """Dial in as a station that nobody declared, and return the HTTP status of the refusal."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{server.stations_url}/{identity}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None)
    return refused.value.response.status_code


async def test_stations_that_knocked_are_counted_dumped_and_declared(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        await server.apply("-f", site_file(tmp_path, "cp001"))
        assert [await knock(server, identity) for identity in ("AC-7", "AC-8", "AC-7")] == [404, 404, 404]
    async with running_server(tmp_path / "data") as server:  # they are known after a restart, too
        assert "Not declared, and knocked: 2" in (await server.fwdctl("status")).out
        dumped = await server.fwdctl("dump", "--live", "--label", "site=a")
        assert '# Not declared: "AC-7" knocked 2 times' in dumped.out
        (tmp_path / "fleet.yaml").write_text(dumped.out)
        applied = await server.apply("-f", tmp_path / "fleet.yaml")
        assert "+ charger.ac-7" in applied.out
        assert (await server.fwdctl("status", "--json")).json["strangers"] == 0
        assert (await server.fwdctl("dump", "--live", "--json")).json["newcomers"] == []
        assert (await server.fwdctl("dump", "--json")).json["newcomers"] is None
