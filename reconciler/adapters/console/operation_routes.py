"""Working on a charger: what can be done now and why not, forms made from schemas, and an operation as it goes."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import FastAPI, Request
from msgspec.structs import replace
from starlette.responses import HTMLResponse, Response, StreamingResponse

from reconciler.adapters.console.charger_routes import charger_view
from reconciler.adapters.console.operation_forms import Field, fields_of, read_fields
from reconciler.adapters.console.pages import Pages, keep_cookie
from reconciler.adapters.console.streams import QUIET_S, STILL_HERE, Streams, event
from reconciler.adapters.console.visitor import NAME_COOKIE, NAME_MAX
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.job_files import JobFiles
from reconciler.app.operation_run import OperationRun
from reconciler.app.operations import Operations
from reconciler.app.reconciler import Reconciler
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.local.operations.catalogue import OPERATIONS, operation_named
from reconciler.model.access import Access
from reconciler.model.operations import Offer, OperationOrder, OperationRecord

RECENT = 15
DISRUPTIVE = frozenset({"reset", "firmware", "availability", "remote-stop", "clear-cache"})
"""Operations that a driver notices."""


class _Desk:
    """What the pages of operations have in common."""

    def __init__(self, operations: Operations, files: JobFiles, pages: Pages) -> None:
        self._operations = operations
        self._files = files
        self._pages = pages

    async def offered(self, name: str, operation: str) -> Offer:
        """Return whether an operation can be done on a charger; raises UnknownAddress where its version has none."""
        for offer in (await self._operations.offers(name)).offers:
            if offer.operation == operation:
                return offer
        operation_named(operation)
        raise UnknownAddress(f"the OCPP version of {name} has no {operation}", hint="its page has what there is")

    def fields(self, operation: str, typed: Mapping[str, Any] | None = None) -> list[Field]:
        """Return the form of an operation; a file is chosen among those that are kept here."""
        found = fields_of(OPERATIONS[operation].schema(), typed)
        if OPERATIONS[operation].file != "serves":
            return found
        kept = tuple(file.name for file in self._files.shelf.files())
        return [replace(field, control="choice", options=kept) if field.name == "file" else field for field in found]

    def asked(
        self, request: Request, name: str, offer: Offer, fields: list[Field], fault: str = "", status: int = 200
    ) -> HTMLResponse:
        """Return the form of an operation."""
        return self._pages.page(
            request,
            "operation.html",
            status,
            name=name,
            offer=offer,
            operation=OPERATIONS[offer.operation],
            fields=fields,
            fault=fault,
            name_max=NAME_MAX,
            disruptive=offer.operation in DISRUPTIVE,
        )

    async def run_of(self, name: str, run_id: str) -> OperationRun | OperationRecord:
        """Return an operation on a charger; raises UnknownAddress."""
        found = await self._operations.find(run_id)
        if _record(found).charger != name:
            raise UnknownAddress(f"there is no operation {run_id} on {name}", hint="its page lists the last ones")
        return found


def add_operation_routes(
    console: FastAPI,
    reconciler: Reconciler,
    operations: Operations,
    files: JobFiles,
    board: FleetBoard,
    pages: Pages,
    streams: Streams,
) -> None:
    """Add them."""
    desk = _Desk(operations, files, pages)
    _add_run_routes(console, desk, board, pages, streams)

    @console.get("/chargers/{name}/operations")
    async def offers(request: Request, name: str) -> HTMLResponse:
        found = await operations.offers(name)
        return pages.page(
            request,
            "operations.html",
            name=name,
            view=charger_view((await reconciler.status(f"charger.{name}"))[0]),
            offers=found.offers,
            catalogue=OPERATIONS,
            recent=await operations.recent(name, RECENT),
        )

    @console.get("/chargers/{name}/operations/{operation}")
    async def ask(request: Request, name: str, operation: str) -> HTMLResponse:
        offer = await desk.offered(name, operation)
        return desk.asked(request, name, offer, desk.fields(operation))

    @console.post("/chargers/{name}/operations/{operation}")
    async def start(request: Request, name: str, operation: str) -> Response:
        pages.require(request, Access.TECHNICIAN)
        offer, given = await desk.offered(name, operation), await request.form()
        fields = desk.fields(operation, given)
        try:
            typed = str(given.get("your_name", "")).strip()
            actor = pages.actor(request, typed)
            reason = str(given.get("your_reason", "")).strip()
            run = await operations.start(OperationOrder(name, operation, read_fields(fields), actor, reason))
        except FwdctlError as error:
            return desk.asked(request, name, offer, fields, f"{error.summary}. {error.hint}", 422)
        answer = pages.redirect(request, f"/chargers/{name}/operations/runs/{run.record.id}")
        keep_cookie(request, answer, NAME_COOKIE, typed)
        return answer


def _add_run_routes(console: FastAPI, desk: _Desk, board: FleetBoard, pages: Pages, streams: Streams) -> None:
    @console.get("/chargers/{name}/operations/runs/{run_id}")
    async def run(request: Request, name: str, run_id: str) -> HTMLResponse:
        return pages.page(request, "operation_run.html", name=name, record=_record(await desk.run_of(name, run_id)))

    @console.get("/chargers/{name}/operations/runs/{run_id}/stream")
    async def stream(request: Request, name: str, run_id: str) -> StreamingResponse:
        found = await desk.run_of(name, run_id)

        async def going() -> AsyncIterator[str]:
            seen = -1
            while not board.closed:
                record = _record(found)
                if len(record.progress) != seen or record.done:
                    seen = len(record.progress)
                    yield event("run", pages.fragment(request, "run.html", record=record, name=name))
                if record.done or isinstance(found, OperationRecord):
                    yield event("over", "")
                    return
                await found.wait_for_news(seen, min(QUIET_S, 2.0))
                yield STILL_HERE

        return streams.answer(going())


def _record(found: OperationRun | OperationRecord) -> OperationRecord:
    return found.record if isinstance(found, OperationRun) else found
