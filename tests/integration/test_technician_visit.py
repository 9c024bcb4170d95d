"""The visit of examples/08, played by its own script on real sockets: one reset, one update, one log."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.server import running_server
from tests.support.server_process import clean_environ

EXAMPLE = Path(__file__).parents[2] / "examples/08-technician-visit"


@pytest.mark.slow
@pytest.mark.timeout(300)  # a dozen processes of the command line, on a busy machine
async def test_the_visit_with_the_command_line_alone(tmp_path: Path) -> None:
    firmware, log = tmp_path / "acme-2.0.0.bin", tmp_path / "cp001.log"
    firmware.write_bytes(b"firmware-version: 2.0.0\n" + bytes(10_000))
    async with (
        SimulatedCsms("partner-pay", ("ocpp2.0.1", "ocpp1.6")) as partner,
        running_server(tmp_path / "data", files="127.0.0.1:0") as server,
    ):
        site = tmp_path / "site.yaml"
        site.write_text((EXAMPLE / "site.yaml").read_text().replace("ws://127.0.0.1:9301/ocpp", partner.url))
        await server.apply("-f", site)
        async with SimulatedStation("CP-001", server.stations_url) as station:
            await station.boot()
            await station.announce()
            await partner.wait_for("BootNotification")
            refused = asyncio.ensure_future(partner_commands(partner, station))
            out = await visit(server.url, "cp001", str(firmware), str(log))
            assert await refused == [{"status": "Rejected"}]

            assert "partner-pay owns provisioning on charger.cp001 (proxy mode)" in out
            assert "the charging station is back, firmware 1.0.0" in out
            assert "Installed" in out
            assert station.memory.firmware == "2.0.0"
            assert log.read_text().startswith("CP-001\n")
            assert len(station.disconnects) == 1  # the reset that it was told
            assert station.unexpected_disconnects == []
            assert [boot.payload for boot in partner.calls if boot.action == "BootNotification"][1:]  # it got its boot
            assert station.violations == []
            assert partner.violations == []
            after = await server.fwdctl("status", "charger.cp001")
            assert "owners: partner-pay" in after.out
            reset = await partner.call("CP-001", "Reset", {"type": "Soft"})
            assert reset == {"status": "Accepted"}  # in charge again
            await station.settle()


async def partner_commands(partner: SimulatedCsms, station: SimulatedStation) -> list[object]:
    """Have the partner command the charger once that has come back from its reset: while `local` is in charge."""
    await station.wait_disconnected(timeout_s=100)
    await partner.wait_for("BootNotification", count=2, timeout_s=60)
    return [await partner.call("CP-001", "Reset", {"type": "Soft"})]


async def visit(url: str, *arguments: str) -> str:
    """Run the script and return what it said; it must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        EXAMPLE / "visit.sh",
        *arguments,
        env={**clean_environ(), "PATH": path, "FWDCTL_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()
