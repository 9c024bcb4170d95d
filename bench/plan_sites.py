"""The same work twice: a site of chargers for fwdctl, zones of records for octoDNS; one change a file in both."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PER_FILE: Final = 1000
SHARED: Final = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {name: open}
spec: {profile: 0}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: partner}
spec: {url: "ws://127.0.0.1:1/ocpp", versions: [ocpp1.6], securityProfile: open}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {name: all}
spec:
  chargers: {labels: {fleet: all}}
  backends: [{backend: partner, role: primary}, {backend: local, role: passive}]
"""
CHARGER: Final = """\
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp{number:06}, labels: {{fleet: all, site: depot-{file:03}}}}}
spec: {{identity: CP-{number:06}, serialNumber: SN-{serial}, versions: [ocpp1.6], securityProfile: open}}
"""
OCTODNS: Final = """\
manager:
  max_workers: 1
providers:
  config: {{class: octodns.provider.yaml.YamlProvider, directory: {wanted}, default_ttl: 300}}
  target: {{class: octodns.provider.yaml.YamlProvider, directory: {applied}, default_ttl: 300}}
zones:
  "*": {{sources: [config], targets: [target]}}
"""


@dataclass(frozen=True)
class Zones:
    """What octoDNS plans: its configuration."""

    config: Path


def write_site(folder: Path, chargers: int, *, changed: bool) -> None:
    """Write the site into files of `PER_FILE` chargers; `changed`: the first of each file has another serial number."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "000-shared.yaml").write_text(SHARED)
    for file, numbers in enumerate(_files(chargers)):
        text = "".join(
            CHARGER.format(number=number, file=file, serial=f"{number:06}" + ("-new" if changed and not place else ""))
            for place, number in enumerate(numbers)
        )
        (folder / f"depot-{file:03}.yaml").write_text(text)


def write_zones(folder: Path, records: int) -> Zones:
    """Write zones of `PER_FILE` records twice, one record of each changed in what is wanted."""
    wanted, applied = folder / "wanted", folder / "applied"
    for side in (wanted, applied):
        side.mkdir(parents=True, exist_ok=True)
    for file, numbers in enumerate(_files(records)):
        for side in (wanted, applied):
            text = "---\n" + "".join(
                f"r{number:06}:\n  type: A\n  value: 10.{number >> 16 & 255}.{number >> 8 & 255}."
                f"{1 + (number + (side is wanted and not place)) % 250}\n"
                for place, number in enumerate(numbers)
            )
            (side / f"zone{file:03}.test.yaml").write_text(text)
    config = folder / "octodns.yaml"
    config.write_text(OCTODNS.format(wanted=wanted, applied=applied))
    return Zones(config)


def _files(count: int) -> Iterator[range]:
    return (range(start, min(start + PER_FILE, count)) for start in range(0, count, PER_FILE))
