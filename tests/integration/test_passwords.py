"""Stations' passwords from the command line to the door: generated, hashed, rotated; nowhere kept as they are."""

import asyncio
from pathlib import Path

import pytest

from reconciler.adapters.argon2_hash import argon2_hash
from reconciler.errors import FwdctlError
from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.support.server import Server, running_server

SITE = """
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: field}}
spec:
  profile: 1
  password: {{fromFile: "stations/{{identity}}"}}
  passwordPrevious: {{fromFile: "previous/{{identity}}"}}
---
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec: {{url: "{url}", versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp1}}
spec: {{identity: CP 1, versions: [ocpp1.6], securityProfile: field}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: all}}
spec: {{chargers: {{names: ["*"]}}, backends: [{{backend: partner, role: primary}}]}}
"""


async def let_in(server: Server, password: bytes) -> bool:
    """Tell whether the station comes in with this password."""
    station = SimulatedStation("CP 1", server.stations_url, password=password)
    try:
        await station.connect()
    except HandshakeRefused as refused:
        if refused.status != 401:
            raise
        return False
    await station.disconnect()
    return True


async def test_a_generated_password_holds_the_one_before_too_until_it_is_removed(tmp_path: Path) -> None:
    data, site = tmp_path / "data", tmp_path / "site.yaml"
    async with SimulatedCsms("partner") as partner:
        site.write_text(SITE.format(url=partner.url))
        async with running_server(data) as before:
            generate = ("password", "generate", "CP 1", "--data", data, "--previous", "previous/{identity}")
            first = await before.fwdctl(*generate)
        async with running_server(data) as server:  # which now has a key
            await server.apply("-f", site)
            old = first.out.split("\t")[1].strip().encode()
            assert await let_in(server, old)
            second = await server.fwdctl(*generate)
            new = second.out.split("\t")[1].strip().encode()
            assert await let_in(server, new)
            assert await let_in(server, old)
            (data / "secrets" / "previous" / "CP%201").unlink()
            assert [await let_in(server, word) for word in (new, old, b"x" * 20)] == [True, False, False]
            hexed = await server.fwdctl(*generate, "--hex")
            raw = bytes.fromhex(hexed.out.split("\t")[1])
            assert [await let_in(server, word) for word in (raw, raw.hex().encode())] == [True, True]
            (data / "secrets" / "stations" / "CP%201").write_text(argon2_hash(b"what a person chose"))
            assert [await let_in(server, word) for word in (b"what a person chose", raw)] == [True, False]
        files = [file for file in data.rglob("*") if file.is_file()]
        for file in files:
            assert old not in file.read_bytes(), file
            assert new not in file.read_bytes(), file
        modes = {file.name: file.stat().st_mode & 0o777 for file in files if file.name in ("CP%201", "password-key")}
        assert set(modes.values()) == {0o600}


async def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "password-key"
    await asyncio.to_thread(key.write_text, "k" * 32)
    key.chmod(0o644)
    with pytest.raises(FwdctlError, match="others may read the password key"):
        async with running_server(tmp_path):
            pass
