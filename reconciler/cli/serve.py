"""`fwdctl serve`: relay, controller and admin API, from their settings to their graceful end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from reconciler import __version__
from reconciler.adapters.logs import configure_logs, get_logger  # first: it says how structlog is loaded
from reconciler.app.api_contract import FORMAT_VERSION
from reconciler.cli import collector, oidc_options, options, tls_options
from reconciler.cli.frames_first import hand_over_soon
from reconciler.cli.output import say
from reconciler.cli.settings import ServeSettings
from reconciler.errors import FwdctlError

if TYPE_CHECKING:
    from reconciler.cli.composition import Running
    from reconciler.cli.workers.place import Place

STOP_WITHIN_S: Final = 20.0
"""Parts bound their own stop; where one of them doesn't keep to it, the process ends anyway."""

_log = get_logger("serve")


def serve(
    stations: options.StationsBind = None,
    stations_tls: tls_options.StationsTlsBind = None,
    tls_cert: tls_options.TlsCertificates = None,
    tls_key: tls_options.TlsKeys = None,
    station_ca: tls_options.StationCa = None,
    station_crl: tls_options.StationCrl = None,
    station_organization: tls_options.StationOrganization = None,
    station_issuer: tls_options.StationIssuer = None,
    admin: options.AdminBind = None,
    admin_tls_cert: tls_options.AdminTlsCertificate = None,
    admin_tls_key: tls_options.AdminTlsKey = None,
    oidc_issuer: oidc_options.OidcIssuer = None,
    oidc_audience: oidc_options.OidcAudience = None,
    oidc_grant: oidc_options.OidcGrants = None,
    files: tls_options.FilesBind = None,
    files_url: tls_options.FilesUrl = None,
    files_tls_cert: tls_options.FilesTlsCertificate = None,
    files_tls_key: tls_options.FilesTlsKey = None,
    data: Annotated[Path | None, typer.Option(envvar="FWDCTL_DATA", metavar="DIR", help="Data directory.")] = None,
    store: options.StoreUrl = None,
    secrets: options.SecretsDirectory = None,
    encryption_key_file: options.EncryptionKeyFile = None,
    smtp: options.Smtp = None,
    mail_from: options.MailFrom = None,
    history_keep: options.HistoryKeep = None,
    revisions_keep: options.RevisionsKeep = None,
    revisions_keep_last: options.RevisionsKeepLast = None,
    workers: options.Workers = None,
    config: Annotated[
        Path | None, typer.Option(envvar="FWDCTL_CONFIG", metavar="FILE", help="Settings in TOML; flags win.")
    ] = None,
) -> None:
    """Run the relay, the controller and the admin API until SIGTERM or Ctrl-C."""
    # Read off first thing: what an option is called is what its setting is called.
    options_given = {name: value for name, value in locals().items() if name != "config"}
    given = {name: tuple(value) or None if isinstance(value, list) else value for name, value in options_given.items()}
    settings = ServeSettings.load(config, given)
    configure_logs(sys.stderr)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings) if settings.workers == 1 else _supervise(settings))


async def _serve(settings: ServeSettings) -> None:
    stop = asyncio.Event()
    _on_signals(stop)

    def ready(up: "Running") -> None:
        up.directory.announce(_facts(up))
        doors = " and ".join(f"{url}/<identity>" for url in (up.doors.url, up.doors.tls_url) if url)
        say(f"fwdctl {__version__} ready: stations at {doors}, admin API at {up.admin_url}")

    await serve_until(stop, settings, ready=ready)


async def _supervise(settings: ServeSettings) -> None:
    from reconciler.cli.workers.supervisor import Supervisor  # here, as for `running` below

    stop = asyncio.Event()
    _on_signals(stop)
    with ExitStack() as stack:
        await Supervisor(settings, stack).run(stop)


async def serve_until(
    stop: asyncio.Event, settings: ServeSettings, place: "Place | None" = None, *, ready: Callable[["Running"], None]
) -> None:
    """Run everything, or what `place` has of it, until `stop`; `ready` is called once it is up.

    Raises FwdctlError where it can't be started, or where a part of it ended by itself.
    """
    collector.hold()
    hand_over_soon()
    from reconciler.cli.composition import running  # here, so that no other verb waits for the server's libraries

    async with running(settings, place) as up:
        if up.doors.reload_certificates is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, up.doors.reload_certificates)
        collector.settle()
        ready(up)
        await _first(stop, up.broken)
        asyncio.get_running_loop().call_later(STOP_WITHIN_S, _give_up)
        if not stop.is_set():
            raise FwdctlError("a part of the server ended by itself", hint="its log says which and why")
        _log.info("stopping")


def _facts(up: "Running") -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "pid": os.getpid(),
        "stations": up.doors.url,
        "stations_tls": up.doors.tls_url,
        "admin": up.admin_url,
        "files": up.files_url,
    }


def _on_signals(stop: asyncio.Event) -> None:
    """Have the first SIGTERM or Ctrl-C stop everything in good order; a second one ends the process at once.

    SIGHUP, by which certificates are read again, ends nothing where there are none (yet).
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, nothing_to_read)

    def asked() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)


async def _first(*events: asyncio.Event) -> None:
    """Return once any of the events is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def nothing_to_read() -> None:
    """Say on SIGHUP that it is for certificates; to stop is another signal."""
    _log.info("nothing to read again", hint="SIGHUP is for the certificates of --stations-tls")


def _give_up() -> None:
    _log.error("not stopped in time", after_s=STOP_WITHIN_S)
    os._exit(1)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where the platform has it, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
