"""Opens the doors for stations: the plain one, and the one with TLS where the settings ask for it."""

from collections.abc import Callable
from contextlib import AsyncExitStack

import msgspec

from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.websocket import StationListener, StationTls, TlsFiles
from reconciler.app.legs import Admission
from reconciler.app.security_events import SecurityEvents
from reconciler.app.tasks import Background
from reconciler.cli.settings import Bind, ServeSettings
from reconciler.cli.workers.place import Place


class StationDoors(msgspec.Struct, frozen=True):
    """The doors as they are open; without TLS its URL is "" and there is nothing to reload."""

    url: str
    tls_url: str = ""
    reload_certificates: Callable[[], object] | None = None


async def open_station_doors(
    settings: ServeSettings,
    admission: Admission,
    security: SecurityEvents,
    metrics: PrometheusMetrics,
    background: Background,
    stack: AsyncExitStack,
    place: Place | None = None,
) -> StationDoors:
    """Open the doors, which `stack` closes; with sockets of `place` where others have the same doors.

    Raises FwdctlError for an address or a file that can't be had.
    """
    if place is not None and place.is_front:
        return StationDoors("")
    opened = place.doors if place is not None else {}

    def refused(status: str, remote: str, reason: str) -> None:
        metrics.count("station_refusals", status=status)
        if status == "tls":
            security.happened("tls-handshake-failed", remote=remote, detail=reason)

    bind = Bind.parse(settings.stations)
    plain = StationListener(
        admission, host=bind.host, port=bind.port, listening=opened.get("stations"), refused=refused
    )
    tls_bind = tls = None
    if settings.stations_tls is not None:
        tls_bind = Bind.parse(settings.stations_tls)
        tls = StationTls(TlsFiles(settings.tls_pairs, settings.station_ca, settings.station_crl))
    await _open(plain, stack)
    if tls_bind is None or tls is None:
        return StationDoors(bind.url("ws", plain.port))
    secured = StationListener(
        admission,
        host=tls_bind.host,
        port=tls_bind.port,
        listening=opened.get("stations_tls"),
        tls=tls.context,
        refused=refused,
    )
    await _open(secured, stack)
    background.start(tls.watch(), name="certificates")
    return StationDoors(bind.url("ws", plain.port), tls_bind.url("wss", secured.port), tls.reload)


async def _open(listener: StationListener, stack: AsyncExitStack) -> None:
    await listener.start()
    stack.push_async_callback(listener.stop)
