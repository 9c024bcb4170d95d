"""The scene that browser tests play in: a server, two partners, a few stations, all on real sockets of one process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reconciler.testing import SimulatedCsms, SimulatedStation
from tests.support.server import Server, running_server

STATIONS: Final = {
    "CP-001": "ocpp1.6",
    "CP-002": "ocpp2.0.1",
    "CP-003": "ocpp1.6",
    "ICE480-01-1": "ocpp1.6",
    "ICE480-01-2": "ocpp1.6",
}
"""Identity -> version of the stations that dial in."""

SITE: Final = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner-pay}}
spec:
  url: "{partner}"
  versions: [ocpp2.0.1, ocpp1.6]
  securityProfile: open
  health: {{downAfter: 1s, upAfter: 1s}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: grid-co}}
spec: {{url: "{grid}", versions: [ocpp2.0.1, ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp001, labels: {{site: depot-a}}}}
spec: {{identity: CP-001, serialNumber: SN-0001, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp002, labels: {{site: depot-a}}}}
spec: {{identity: CP-002, serialNumber: SN-0002, versions: [ocpp2.0.1], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp003, labels: {{site: depot-a}}}}
spec: {{identity: CP-003, serialNumber: SN-0003, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp004, labels: {{site: depot-a}}}}
spec: {{identity: CP-004, serialNumber: SN-0004, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: SplitSystem
metadata: {{name: ice480-01, labels: {{site: depot-b}}}}
spec:
  model: ICE-480
  versions: [ocpp1.6]
  securityProfile: open
  dispensers:
    - {{identity: ICE480-01-1, serialNumber: S480-1}}
    - {{identity: ICE480-01-2, serialNumber: S480-2}}
---
apiVersion: fwdctl/v1
kind: Role
metadata: {{name: energy}}
spec: {{owns: [smart-charging]}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: depot-a}}
spec:
  chargers: {{labels: {{site: depot-a}}}}
  backends: [{{backend: partner-pay, role: primary}}, {{backend: grid-co, role: passive}}]
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: depot-b}}
spec:
  chargers: {{labels: {{site: depot-b}}}}
  backends: [{{backend: partner-pay, role: primary}}, {{backend: grid-co, role: energy}}]
  whenOwnerIsDown: failover
  failover: {{to: local, after: 1s, back: manual}}
---
apiVersion: fwdctl/v1
kind: ScheduledOutage
metadata: {{name: acme-firmware}}
spec:
  chargers: {{labels: {{site: depot-a}}}}
  window: {{cron: "0 2 * * sun", duration: 2h, timeZone: Europe/Rome}}
  roles: {{partner-pay: passive, local: primary}}
  notice: {{before: [72h, 24h], to: [partner-pay]}}
  reason: weekly firmware window
---
apiVersion: fwdctl/v1
kind: LoadPolicy
metadata: {{name: depot-a-cap}}
spec: {{chargers: {{labels: {{site: depot-a}}}}, limitKw: 100, perChargerMinKw: 7, strategy: equal}}
"""


@dataclass(frozen=True)
class Scene:
    """Everything that runs; `stations` by identity."""

    server: Server
    partner: SimulatedCsms
    grid: SimulatedCsms
    stations: dict[str, SimulatedStation]
    environ: Mapping[str, str]
    """What a command line needs to be let in."""


@asynccontextmanager
async def scene(
    data: Path, identities: Sequence[str] = tuple(STATIONS), *, token: str = "", **settings: Any
) -> AsyncIterator[Scene]:
    """Run the scene for the block: specs applied, these stations connected and booted.

    With a `token` the server asks everybody for one, and this is its own.
    """
    environ = {"FWDCTL_TOKEN": token} if token else {}
    async with AsyncExitStack() as stack:
        partner = await stack.enter_async_context(SimulatedCsms("partner-pay"))
        grid = await stack.enter_async_context(SimulatedCsms("grid-co", first_transaction_id=700))
        if token:
            (data / "server").mkdir()
            (data / "server" / "admin-token").touch(mode=0o600)
            (data / "server" / "admin-token").write_text(token)
        server = await stack.enter_async_context(running_server(data / "server", **settings))
        site = data / "site.yaml"
        site.write_text(SITE.format(partner=partner.url, grid=grid.url))
        applied = await server.fwdctl(
            "apply", "--auto-approve", "-f", site, "--reason", "the first day", environ=environ
        )
        assert applied.code == 0, applied.err
        stations = {}
        for identity in identities:
            station = SimulatedStation(identity, server.stations_url, STATIONS[identity], reconnect_after_s=0.2)
            stations[identity] = await stack.enter_async_context(station)
            await station.boot()
            await partner.wait_for("BootNotification", identity=identity)
        yield Scene(server, partner, grid, stations, environ)
