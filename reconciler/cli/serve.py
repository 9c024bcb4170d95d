"""`fwdctl serve`: the composition root; relay, controller and admin API in one process on one event loop."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import structlog
import typer

from reconciler import __version__
from reconciler.adapters.admin_api.application import UseCases, build_application
from reconciler.adapters.admin_api.server import AdminServer, bind_admin
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.data_dir import DataDirectory
from reconciler.adapters.logs import EventLog, configure_logs
from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.adapters.secrets import ServerSecrets
from reconciler.adapters.store import open_store
from reconciler.adapters.websocket import StationListener, WebSocketDialer
from reconciler.app.api_contract import FORMAT_VERSION
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
from reconciler.cli.output import say
from reconciler.cli.settings import Bind, ServeSettings
from reconciler.errors import FwdctlError
