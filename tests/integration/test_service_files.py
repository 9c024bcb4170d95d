"""Firmware and logs between a server and a station, over real HTTP, in every version; the rest of the catalogue."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import FwdctlError, NotAvailable
from tests.integration.websocket.certificates import Authority
from tests.support.service import depot

VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
FILES: dict[str, Any] = {"files": "127.0.0.1:0"}
FIRMWARE = b"firmware-version: 2.0.0\n" + b"x" * 100_000
STEPS = ["Downloading", "fw.bin was downloaded whole", "Downloaded", "Installing", "Installed"]
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("version", VERSIONS)
async def test_firmware_is_fetched_from_the_server_and_followed_to_installed(tmp_path: Path, version: str) -> None:
    file = tmp_path / "fw.bin"
    file.write_bytes(FIRMWARE)
    (tmp_path / "fw.sig").write_text("c2ln\n")
    (tmp_path / "fw.pem").write_text(PEM)
    async with depot(tmp_path, version, settings=FILES) as here:
        added = await here.server.fwdctl("firmware", "add", file)
        assert added.out.startswith("fw.bin: 100024 bytes, sha256 ")
        with pytest.raises(FwdctlError, match="without a signature"):
            await here.start("firmware", file="fw.bin", signed=True)
        signing = ["--signature", tmp_path / "fw.sig", "--certificate", tmp_path / "fw.pem"]
        await here.server.fwdctl("firmware", "add", file, *signing)
        for signed in (False, True):
            here.station.memory.firmware = "1.0.0"
            done = await here.run("firmware", file="fw.bin", signed=signed)
            assert done["state"] == "succeeded", done
            said = [line["text"] for line in done["progress"][1:]]
            assert sorted(said) == sorted(STEPS)
            assert here.station.memory.firmware == "2.0.0"
        assert here.station.disconnects == []
        assert here.station.violations == []
        location = str(here.station.commands[-1].payload)
        assert "/f/" in location
        gone = await here.run("firmware", file="fw.bin")
        assert gone["state"] == "succeeded"
        with pytest.raises(FwdctlError, match=r"there is no firmware other\.bin"):
            await here.start("firmware", file="other.bin")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("log", ["diagnostics", "security"])
async def test_a_log_is_received_and_offered_for_download(tmp_path: Path, version: str, log: str) -> None:
    async with depot(tmp_path, version, settings=FILES) as here:
        out = tmp_path / "cp.log"
        done = await here.server.fwdctl("op", "cp001", "diagnostics", "--log", log, "--out", out)
        assert done.code == 0, done.err
        assert out.read_text().startswith("CP-001\n")
        assert "CP-001.log is here" in done.err
        listed = await asyncio.to_thread(here.api.uploads, "cp001")
        assert [one["name"] for one in listed["uploads"]] == ["CP-001.log"]
        again = await here.server.fwdctl("upload", "get", listed["uploads"][0]["id"], "--out", tmp_path / "again.log")
        assert again.code == 0, again.err
        assert (tmp_path / "again.log").read_bytes() == out.read_bytes()
        assert here.station.violations == []


async def test_without_an_address_for_files_it_says_what_would_help(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:
        with pytest.raises(NotAvailable, match="hands out and receives no files") as told:
            await here.start("diagnostics")
        assert told.value.details["way_out"] == "fwdctl serve --files HOST:PORT"


async def test_a_download_that_fails_is_told(tmp_path: Path) -> None:
    (tmp_path / "fw.bin").write_bytes(b"x")
    async with depot(tmp_path, settings=FILES | {"files_url": "http://127.0.0.1:9"}) as here:
        await here.server.fwdctl("firmware", "add", tmp_path / "fw.bin")
        done = await here.run("firmware", file="fw.bin")
        assert (done["state"], done["problem"]) == ("failed", "the charging station reported DownloadFailed")


async def test_firmware_and_logs_go_over_tls_where_the_server_has_a_certificate(tmp_path: Path) -> None:
    authority = Authority("fwdctl test CA")
    certificate, key = authority.issue("127.0.0.1")
    (tmp_path / "cert.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "fw.bin").write_bytes(FIRMWARE)
    tls = {"files_tls_cert": tmp_path / "cert.pem", "files_tls_key": tmp_path / "key.pem"}
    async with depot(tmp_path, settings=FILES | tls) as here:
        here.station.files_ssl = ssl.create_default_context(cadata=authority.pem.decode())
        await here.server.fwdctl("firmware", "add", tmp_path / "fw.bin")
        assert (await here.run("firmware", file="fw.bin"))["state"] == "succeeded"
        assert str(here.station.commands[-1].payload["location"]).startswith("https://127.0.0.1:")
        assert (await here.run("diagnostics"))["state"] == "succeeded"


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_rest_of_the_catalogue_reaches_the_station(tmp_path: Path, version: str) -> None:
    second = version != "ocpp1.6"
    async with depot(tmp_path, version) as here:
        assert (await here.run("local-list-send", version=3, update="full", accept=["TAG"]))["state"] == "succeeded"
        assert (await here.run("local-list-version"))["result"] == {"version": 3}
        assert (await here.run("profile-set", limit=16, profile=5))["state"] == "succeeded"
        if second:
            profiles = (await here.run("profile-get"))["result"]["profiles"]
            assert [profile["id"] for profile in profiles] == [5]
            values = (await here.run("report"))["result"]["variables"]
            assert "OCPPCommCtrlr.HeartbeatInterval" in [value["variable"] for value in values]
        schedule = (await here.run("composite-schedule", duration_s=60))["result"]["schedule"]
        assert schedule["chargingSchedulePeriod"][0]["limit"] == 32
        assert (await here.run("profile-clear", profile=5))["state"] == "succeeded"
        assert here.station.memory.profiles == {}
        installed = await here.run("certificate-install", use="manufacturer-root", certificate=PEM)
        assert installed["state"] == "succeeded", installed
        (found,) = (await here.run("certificate-list"))["result"]["certificates"]
        deleted = await here.run("certificate-delete", serial=found["serial_number"])
        assert deleted["state"] == "succeeded", deleted
        echoed = await here.run("data-transfer", vendor_id="fwdctl", data="hello")
        assert echoed["result"] == {"status": "Accepted", "data": "hello"}
        assert here.station.violations == []
