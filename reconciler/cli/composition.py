"""The composition root: store, relay, controller and admin API, wired and running on one event loop.

Started from the bottom up and stopped from the top down: nobody is let in before everything below runs, and
what was let in is let out before anything below stops.
"""

import asyncio
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from starlette.types import ASGIApp

from reconciler.adapters.admin_api.door import bind_admin
from reconciler.adapters.argon2_hash import Argon2Hash
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.data_dir import DataDirectory
from reconciler.adapters.job_files import FileDesk
from reconciler.adapters.logs import EventLog
from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.password_key import read_password_key
from reconciler.adapters.secrets import ServerSecrets
from reconciler.adapters.store import SqlStore, open_store
from reconciler.adapters.webhook import WebhookCourier
from reconciler.adapters.worker_metrics import AllWorkers, window
from reconciler.app.access_tokens import AccessTokens, TokenStore
from reconciler.app.admin_access import AdminAccess, admin_access
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.apply_stops import ApplyStops
from reconciler.app.bulk_operations import BulkOperations
from reconciler.app.callers import IdentityProvider
from reconciler.app.delivering import Courier
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.fleet_numbers import FleetNumbers, fleet_numbers, of_one_worker
from reconciler.app.node import RelayNode, World
from reconciler.app.notifications import Notifications
from reconciler.app.operations import Operations
from reconciler.app.plan_seal import PlanSeal
from reconciler.app.ports import Store
from reconciler.app.reconciler import Reconciler
from reconciler.app.recorder import Recorder
from reconciler.app.retention import Keep, Retention
from reconciler.app.stored_passwords import StoredPasswords
from reconciler.app.tasks import Background
from reconciler.cli.certificates import expiry_watch, station_issuer
from reconciler.cli.collector import collect_rarely
from reconciler.cli.console_parts import open_console
from reconciler.cli.file_exchange import open_file_exchange
from reconciler.cli.late_server import LateServer
from reconciler.cli.leg_parts import leg_parts
from reconciler.cli.local_parts import LocalParts
from reconciler.cli.nodes import JoinedNode, join
from reconciler.cli.options import REVISIONS_MIN, duration_s
from reconciler.cli.settings import Bind, ServeSettings
from reconciler.cli.station_doors import StationDoors, open_station_doors
from reconciler.cli.workers.place import Place
from reconciler.errors import FwdctlError

PART_STOPS_WITHIN_S: Final = 5.0

_log = structlog.get_logger("serve")


class Running(msgspec.Struct, frozen=True):
    """A whole fwdctl that is up; `broken` is set where a part ended by itself, which none should."""

    directory: DataDirectory
    doors: StationDoors
    admin_url: str
    files_url: str
    """Where stations fetch firmware and leave logs, "" where they can't."""
    broken: asyncio.Event


@asynccontextmanager
async def running(settings: ServeSettings, place: Place | None = None) -> AsyncIterator[Running]:
    """Run everything for the block, or what `place` has of it, and stop it in good order.

    Raises FwdctlError where something can't be started: a directory, a database, an address.
    """
    async with AsyncExitStack() as stack:
        yield await _Assembly(settings, stack, place).start()


class _Assembly:
    """Puts the parts together; every step pushes onto `stack` how its part is stopped."""

    def __init__(self, settings: ServeSettings, stack: AsyncExitStack, place: Place | None) -> None:
        self._settings = settings
        self._place = place
        self._stack = stack
        self._clock = SystemClock()
        self._metrics = PrometheusMetrics()
        self._secrets = ServerSecrets(settings.secrets_directory, os.environ)
        self._broken = asyncio.Event()
        self._plan_seal = PlanSeal(secrets.token_bytes(32))
        """Where nodes share a store and no key: plans are applied by the process that made them, or made anew."""

    async def start(self) -> Running:
        settings, place = self._settings, self._place
        directory = DataDirectory(self._settings.data) if place else DataDirectory.claim(self._settings.data)
        self._stack.callback(directory.release)
        token = directory.admin_token(os.environ)
        admin_socket = self._admin_door(token)
        store = await open_store(self._settings.store, self._settings.data)
        self._stack.push_async_callback(store.close)
        node = await self._relay(store)
        background = Background(_report)
        node.issuer = station_issuer(self._settings, node, self._recorder, self._clock, background)
        node_id = place.node if place else directory.node_id(_new_id)
        joined = await join(store, node, node_id, self._clock, background, _report)
        reconciler = await self._reconciler(store, node, joined, background, node_id)
        retention = Retention(store, self._clock, _keep(self._settings), reconciler.duty, _report)
        self._vital(background, retention.run(), "retention")
        couriers = self._notices(reconciler, background)
        self._vital(background, collect_rarely(), "collector")
        desk = self._file_exchange(background)
        local = LocalParts(reconciler, store, node, joined, self._clock, self._metrics, background, _report)
        operations = await local.operations(desk, holder=node_id)
        told, rules = local.rules(couriers, self._recorder, contact=settings.mail_from)
        for name, work in (*rules, *local.relief(operations)):
            self._vital(background, work, name)
        doors = await open_station_doors(  # now, as what happens there is heard of by now
            self._settings, node, node.security, self._metrics, background, self._stack, place
        )
        self._watch_certificates(node, told, background)
        if admin_socket is None:
            assert place is not None  # a server by itself has one
            await self._stack.enter_async_context(window(settings.data, place.name, self._metrics.exposition))
            return Running(directory, doors, "", desk.url, self._broken)
        access = await self._access(store, node, background, token)
        self._admin_api(admin_socket, access, node, joined, reconciler, operations, desk, background)
        scheme = "https" if settings.admin_tls else "http"
        admin_url = Bind.parse(settings.admin).url(scheme, admin_socket.getsockname()[1])
        return Running(directory, doors, admin_url, desk.url, self._broken)

    def _admin_door(self, token: str | None) -> socket.socket | None:
        """Return the socket of the admin API; None where another process has it."""
        if self._place is not None:
            return self._place.doors.get("admin")
        bind = Bind.parse(self._settings.admin)
        return self._stack.enter_context(bind_admin(bind.host, bind.port, token=token, tls=self._settings.admin_tls))

    def _exposition(self) -> Callable[[], Awaitable[bytes]]:
        """Return what `/metrics` shows: of all workers of this machine, where there are several."""
        own, place = self._metrics.exposition, self._place
        if place is not None:
            return AllWorkers(self._settings.data, place.name, own, place.workers).exposition

        async def alone() -> bytes:
            return own()

        return alone

    async def _relay(self, store: SqlStore) -> RelayNode:
        """Return the relay with what earlier processes remembered, and without any charger yet."""
        log = EventLog(self._clock.monotonic_s)
        recorder = self._recorder = Recorder(store, log)
        writing = self._vital(Background(_report), recorder.run(), "recorder")
        self._stack.push_async_callback(_stop_recorder, recorder, writing)
        given = self._secrets, self._clock, self._metrics, recorder.event, _report, self._stack
        legs = self._legs = await leg_parts(self._settings, store, *given)
        if legs.keys is not None:
            self._plan_seal = PlanSeal(legs.keys.derived("plan seal"))
        token_key = secrets.token_bytes(32)
        world = World(
            legs.dialer,
            self._secrets,
            self._clock,
            self._metrics,
            log,
            recorder,
            _new_id,
            token_key,
            organization=self._settings.station_organization,
            passwords=self._passwords(),
            leg_desk=legs.desk,
        )
        node = RelayNode(world)
        node.restore(await store.memories(), await store.kept_calls())
        return node

    def _passwords(self) -> StoredPasswords:
        slow = Argon2Hash()
        self._stack.callback(slow.close)
        return StoredPasswords(self._clock, read_password_key(self._settings.data, os.environ), slow)

    async def _reconciler(
        self, store: Store, node: RelayNode, joined: JoinedNode | None, background: Background, node_id: str
    ) -> Reconciler:
        """Return the reconciler once the relay knows every applied charger, and its loop runs."""
        relay, duty = (node, None) if joined is None else (joined.relay, joined.duty)
        reconciler = Reconciler(
            store,
            relay,
            self._clock,
            _new_id,
            report=_report,
            secrets=self._secrets,
            node=node_id,
            chance=random.random,
            duty=duty,
        )
        self._metrics.sample(lambda: self._numbers(node, reconciler))
        node.changed = reconciler.wake
        if joined is not None:
            self._stack.push_async_callback(joined.leave)
            node.changed = joined.agent.changed
            joined.steered_by(reconciler)
            for name, work in joined.work(_report):
                self._vital(background, work, name)
        self._stack.push_async_callback(background.stop)
        await reconciler.start()
        self._vital(background, reconciler.run(), "controller")
        return reconciler

    def _numbers(self, node: RelayNode, reconciler: Reconciler) -> FleetNumbers:
        """Return the fleet in numbers; of several processes each tells what only it can know."""
        drifted, totals = reconciler.controller.drifted(), node.totals
        tallies = (slot.tally() for name in node.names() if (slot := node.slot(name)) is not None)
        numbers = fleet_numbers(tallies, drifted, frames_up=totals.up, frames_down=totals.down)
        if self._place is None:
            return numbers
        elsewhere = sum(live.connected for live in reconciler.live().values())
        return of_one_worker(numbers, elsewhere=elsewhere, is_front=self._place.is_front)

    def _file_exchange(self, background: Background) -> FileDesk:
        desk, server = open_file_exchange(self._settings, self._clock.now, self._stack, self._place)
        if server is not None:
            serving = self._vital(background, server.run_until_stopped(), "files")
            self._stack.push_async_callback(_stop_server, server, serving)
        return desk

    def _watch_certificates(self, node: RelayNode, told: Notifications, background: Background) -> None:
        watch, named = expiry_watch(self._settings, node, self._secrets, self._metrics, self._clock)
        self._legs.desk.declared_expiry = named.leg
        watch.soon = told.expires
        background.start(watch.run(), name="expiry watch")
        background.start(self._legs.have_certificates_signed(node), name="certificates of legs")

    def _notices(self, reconciler: Reconciler, background: Background) -> Mapping[str, Courier]:
        """Have partners told about outages; return who carries messages."""
        couriers: dict[str, Courier] = {"webhook": WebhookCourier(self._secrets, self._clock)}
        if self._settings.smtp is not None:
            # Here, as calendars and mail take a while to load, and few have them.
            from reconciler.adapters.mail import MailCourier, MailServer, smtp_password

            server = MailServer.parse(self._settings.smtp, smtp_password(os.environ))
            couriers["email"] = MailCourier(server, self._settings.mail_from)
        notifier = reconciler.notifier(couriers, contact=self._settings.mail_from)
        self._vital(background, notifier.run(), "notices")
        return couriers

    async def _access(
        self, store: TokenStore, node: RelayNode, background: Background, token: str | None
    ) -> AdminAccess:
        tokens = AccessTokens(store, self._clock, lambda: secrets.token_hex(4), _new_secret)
        await tokens.load()
        self._vital(background, tokens.run(), "tokens")
        return admin_access(
            tokens,
            self._clock,
            server_token=token,
            new_secret=_new_secret,
            record=self._recorder.event,
            security=node.security,
            provider=self._provider(),
        )

    def _provider(self) -> IdentityProvider | None:
        settings = self._settings
        if settings.oidc_issuer is None:
            return None
        from reconciler.adapters.oidc import Grant, OidcProvider  # here, as for mail

        grants = [Grant.parse(text) for text in settings.oidc_grant]
        return OidcProvider(settings.oidc_issuer, settings.oidc_audience, grants, self._clock)

    def _admin_api(
        self,
        listening: socket.socket,
        access: AdminAccess,
        node: RelayNode,
        joined: JoinedNode | None,
        reconciler: Reconciler,
        operations: Operations,
        desk: FileDesk,
        background: Background,
    ) -> None:
        loop = asyncio.get_running_loop()

        def tampered(why: str) -> None:  # plans are opened in a thread
            loop.call_soon_threadsafe(partial(node.security.happened, "plan-tampered", detail=why))

        self._plan_seal.broken = tampered
        board, changed = FleetBoard(reconciler.status, self._clock), node.changed

        def told(charger: str) -> None:
            changed(charger)
            board.stir(charger)

        node.changed, node.stirred = told, board.stir
        runs = ApplyRuns(reconciler, background, _report, self._metrics, lambda: secrets.token_hex(4))
        if joined is not None:
            ApplyStops(runs, joined.errands, joined.stations)
        self._vital(background, runs.adopt(), "applies to take over")
        vital = partial(self._vital, background)
        console = open_console(reconciler, runs, board, node, joined, operations, desk, self._clock, access, vital)
        bulk = BulkOperations(operations, background, partial(secrets.token_hex, 4))

        def build() -> ASGIApp:
            from reconciler.adapters.admin_api.application import build_application  # here: see `late_server`

            return build_application(
                reconciler,
                runs,
                metrics=self._metrics,
                exposition=self._exposition(),
                access=access,
                console=console,
                operations=operations,
                bulk=bulk,
                files=desk,
                seal=self._plan_seal,
            )

        server = LateServer(build, listening, self._settings.admin_tls)
        serving = self._vital(background, server.run_until_stopped(), "admin API")
        self._stack.push_async_callback(_stop_server, server, serving)
        self._stack.callback(board.close)  # live pages end first

    def _vital(self, background: Background, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a part; where it ends by itself, everything has to."""
        task: asyncio.Task[None] = background.start(work, name=name)
        task.add_done_callback(lambda _task: self._broken.set())
        return task


def _keep(settings: ServeSettings) -> Keep:
    """Return for how long things are kept; raises FwdctlError where that is said wrongly."""
    if settings.revisions_keep_last < REVISIONS_MIN:
        raise FwdctlError(
            f"--revisions-keep-last {settings.revisions_keep_last} would leave no revision to go back to",
            hint=f"keep {REVISIONS_MIN} at least",
        )
    return Keep(
        duration_s("--history-keep", settings.history_keep),
        duration_s("--revisions-keep", settings.revisions_keep),
        settings.revisions_keep_last,
    )


async def _stop_server(server: LateServer, serving: asyncio.Task[None]) -> None:
    server.stop()
    await asyncio.wait([serving], timeout=PART_STOPS_WITHIN_S)


async def _stop_recorder(recorder: Recorder, writing: asyncio.Task[None]) -> None:
    recorder.close()
    await asyncio.wait([writing], timeout=PART_STOPS_WITHIN_S)


def _report(what: str, error: BaseException) -> None:
    _log.error("something failed", what=what, exc_info=error)


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _new_id() -> str:
    """Return a random UUID as text, for half of what `uuid4` and `str` take: each flip needs one or two."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
