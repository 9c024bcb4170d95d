"""A fleet taken on as it is: stations knock, `dump --live` writes their specs, and an apply declares them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from reconciler.cli.dump import missing_profiles
from tests.integration.test_cli import site_file
from tests.support.server import Server, running_server


async def knock(server: Server, identity: str) -> int:
    """Dial in as a station that nobody declared, and return the HTTP status of the refusal."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{server.stations_url}/{identity}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None)
    return refused.value.response.status_code


BINDING = """---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {name: depot-a}
spec: {chargers: {labels: {site: a}}, backends: [{backend: local, role: primary}]}
"""


async def test_on_an_empty_server_nothing_is_missing_but_who_is_to_own_them(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        assert await knock(server, "AC-7") == 404
        async with asyncio.timeout(30):  # knocks are written down a moment later
            while not (await server.fwdctl("dump", "--live", "--json")).json["newcomers"]:
                pass
        dumped = await server.fwdctl("dump", "--live", "--label", "site=a")
        assert '# Not declared: "AC-7" knocked once, last ' in dumped.out
        (tmp_path / "fleet.yaml").write_text(dumped.out)
        refused = await server.fwdctl("plan", "-f", tmp_path / "fleet.yaml")
        assert (refused.code, refused.err.count("error: ")) == (1, 2)
        assert "error: no BackendBinding selects ac-7" in refused.err
        (tmp_path / "fleet.yaml").write_text(dumped.out + BINDING)
        applied = await server.apply("-f", tmp_path / "fleet.yaml")
        assert "+ security-profile.profile-0" in applied.out


def test_profiles_that_newcomers_lack_are_written_as_they_come_in() -> None:
    def newcomer(name: str, number: int) -> dict[str, Any]:
        return {"document": {"spec": {"securityProfile": name}}, "security_profile": number}

    applied = [{"kind": "SecurityProfile", "metadata": {"name": "open"}}]
    known, bad = newcomer("open", 0), {"document": None, "security_profile": 3}
    answer = {"documents": applied, "newcomers": [newcomer("profile-2", 2), known, bad, newcomer("profile-3", 3)]}
    assert [(document["metadata"]["name"], document["spec"]) for document in missing_profiles(answer)] == [
        ("profile-2", {"profile": 2, "password": {"fromFile": "stations/{identity}"}}),
        ("profile-3", {"profile": 3}),
    ]
    assert list(missing_profiles({"documents": [], "newcomers": None})) == []


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
