"""The demo is a witness, not a show: it names who really answered, and it fails where something is not as promised."""

import tomllib
from pathlib import Path

import pytest

from reconciler.cli.demo import story, witness
from reconciler.cli.demo.checks import Checks
from reconciler.cli.demo.examples import PLACES, SiteCopy, example
from reconciler.errors import FwdctlError
from reconciler.testing import CsmsManners, SimulatedCsms, SimulatedStation
from tests.golden import ROOT


def roomy(frame: bytes) -> bytes:
    return frame.replace(b",{", b",{ ", 1)


async def test_who_answered_is_told_by_the_bytes_of_the_answer() -> None:
    plain, other = SimulatedCsms("plain"), SimulatedCsms("other", manners=CsmsManners(handwriting=roomy))
    async with plain, other:
        async with SimulatedStation("CP-1", plain.url) as station:
            await station.boot()
            await station.meter_values()
        station.url_base = other.url
        async with station:
            await station.meter_values()
            other.manners.never_answer.add("MeterValues")
            with pytest.raises(TimeoutError):
                await station.call("MeterValues", {"connectorId": 1, "meterValue": [reading()]}, timeout_s=0.05)
    found = witness.exchanges(station, (plain, other))
    assert [(call.action, call.answered_by) for call in found] == [
        ("BootNotification", "plain"),
        ("MeterValues", "plain"),
        ("MeterValues", "other"),
        ("MeterValues", witness.NOBODY),
    ]
    assert witness.handovers(found) == 2
    assert witness.exchanges(station, (plain,))[2].answered_by == witness.RELAY


def reading() -> dict[str, object]:
    return {"timestamp": "2026-11-23T09:00:00Z", "sampledValue": [{"value": "1"}]}


def test_checks_hold_only_where_there_are_some_and_all_of_them_do() -> None:
    checks = Checks()
    assert not checks.hold
    checks.expect("charger disconnects", 0, 0)
    assert checks.hold
    checks.expect("plan afterwards", "No changes", "Plan: 1 to add")
    assert not checks.hold


def test_a_copy_of_an_example_is_edited_and_the_example_is_not(tmp_path: Path) -> None:
    source = example("02-flip")
    before = (source / "site.yaml").read_text()
    copy = SiteCopy(source, tmp_path)
    assert copy.backend_ports() == {"partner-pay": 9301, "grid-co": 9302}
    ((number, was, now),) = copy.replace(story.PARTNER_IS_PRIMARY, story.GRID_IS_PRIMARY)
    assert before.splitlines()[number - 1] == was != now
    assert (source / "site.yaml").read_text() == before


def test_a_wheel_carries_the_examples_to_where_the_demo_looks_for_them() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert settings["force-include"] == {"examples": "reconciler/examples"}
    assert ROOT / "reconciler" / "examples" in PLACES


def test_an_example_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(FwdctlError, match="09-none"):
        example("09-none")


@pytest.mark.slow
async def test_a_flip_that_does_not_happen_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(story, "GRID_IS_PRIMARY", story.PARTNER_IS_PRIMARY)
    assert await story.play(keep=False) == 1
    printed = capsys.readouterr().out
    assert "FAIL  lines of YAML edited" in printed
    assert "0; expected: 1" in printed
