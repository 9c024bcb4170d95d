"""The routes of the admin API about files: firmware for stations, and what stations uploaded."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, JSONResponse, Response

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.app.charger_reach import ChargerReach
from reconciler.app.job_files import FirmwareFile, JobFiles, Upload
from reconciler.errors import NotAllowed

Text = Annotated[str, Query(max_length=5500)]


def add_file_routes(router: APIRouter, files: JobFiles, reach: ChargerReach) -> None:
    """Add the routes to `router`; `reach` keeps callers to their chargers."""
    _add_firmware(router, files)

    async def reached() -> frozenset[str] | None:
        """Return the chargers within the caller's reach, None for all."""
        labels = CURRENT_CALL.get().caller.select
        return await reach.chargers(labels) if labels else None

    @router.get("/uploads")
    async def uploads(charger: str | None = None) -> JSONResponse:
        within = await reached()
        kept = await asyncio.to_thread(files.kept.uploads)  # as many small files
        found = [one for one in kept if charger in (None, one.charger)]
        return answers.answer(uploads=[_upload(one) for one in found if within is None or one.charger in within])

    @router.get("/uploads/{upload_id}")
    async def download(upload_id: str) -> Response:
        found, within = files.kept.upload(upload_id), await reached()
        if within is not None and found.charger not in within:
            raise NotAllowed(f"upload {upload_id} is of a charger out of this token's reach")
        path = files.kept.path(upload_id)
        return FileResponse(path, media_type="application/octet-stream", filename=f"{found.charger}-{found.name}")


def _add_firmware(router: APIRouter, files: JobFiles) -> None:
    @router.get("/firmware")
    async def firmware() -> JSONResponse:
        shelf = await asyncio.to_thread(files.shelf.files)  # takes the checksums of those put there by hand
        return answers.answer(firmware=[_firmware(file) for file in shelf], served=files.is_open)

    @router.put("/firmware/{name}")
    async def add(name: str, request: Request, signature: Text = "", certificate: Text = "") -> JSONResponse:
        kept = await files.shelf.add(name, request.stream(), signature=signature, certificate=certificate)
        return answers.answer(201, **_firmware(kept))

    @router.delete("/firmware/{name}")
    async def remove(name: str) -> JSONResponse:
        return answers.answer(**_firmware(files.shelf.remove(name)))


def _firmware(file: FirmwareFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "signed": bool(file.signature and file.certificate),
        "added_at": answers.instant(file.added_at),
    }


def _upload(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "charger": upload.charger,
        "name": upload.name,
        "size": upload.size,
        "sha256": upload.sha256,
        "received_at": answers.instant(upload.received_at),
    }
