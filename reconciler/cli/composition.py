"""The composition root: store, relay, controller and admin API, wired and running on one event loop.

Started from the bottom up and stopped from the top down: nobody is let in before everything below runs, and
what was let in is let out before anything below stops.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import uuid4

import structlog

from reconciler.adapters.admin_api.application import UseCases, build_application
from reconciler.adapters.admin_api.server import AdminServer, bind_admin
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.data_dir import DataDirectory
from reconciler.adapters.logs import EventLog
from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.secrets import ServerSecrets
from reconciler.adapters.store import open_store
from reconciler.adapters.websocket import StationListener, WebSocketDialer
from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.applying import Applying
from reconciler.app.controller import Controller
from reconciler.app.fleet_numbers import fleet_numbers
from reconciler.app.node import RelayNode, World
from reconciler.app.planning import Planning
from reconciler.app.ports import Store
from reconciler.app.recorder import Recorder
from reconciler.app.tasks import Background
from reconciler.cli.settings import Bind, ServeSettings

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A whole fwdctl that is up; `ended` is set where a part of it ended by itself, which none should."""

    directory: DataDirectory
    stations_url: str
    admin_url: str
    ended: asyncio.Event


@asynccontextmanager
async def running(settings: ServeSettings) -> AsyncIterator[Running]:
    """Run everything for the block, and stop it in good order.

    Raises FwdctlError where something can't be started: a directory, a database, an address.
    """
    stations, admin = Bind.parse(settings.stations), Bind.parse(settings.admin)
    async with AsyncExitStack() as stack:
        directory = DataDirectory.claim(settings.data)
        stack.callback(directory.release)
        token = directory.admin_token(os.environ)
        admin_socket = stack.enter_context(bind_admin(admin.host, admin.port, token=token))
        store = await open_store(settings.store, settings.data)
        stack.push_async_callback(store.close)

        clock, metrics, background = SystemClock(), PrometheusMetrics(), _Parts()
        stack.push_async_callback(background.stop)
        recorder = await stack.enter_async_context(_recorder(store, EventLog(clock.monotonic_s), background))
        vault = ServerSecrets(settings.secrets_directory, os.environ)
        world = World(
            WebSocketDialer(vault), vault, clock, metrics, recorder.log, recorder, _new_id, secrets.token_bytes(32)
        )
        node = RelayNode(world)
        node.restore(await store.memories())
        reconciler = Reconciler(store, node, clock, _new_id, report=_report, secrets=vault)
        node.changed = lambda charger: reconciler.wake()
        await reconciler.start()
