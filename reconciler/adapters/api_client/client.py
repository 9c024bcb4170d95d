"""The client of the admin API: every call returns the server's JSON, or raises the error that the server meant."""

import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from urllib.parse import quote, urlencode

import msgspec

from reconciler.adapters.api_client.connection import ApiConnection
from reconciler.app import api_contract
from reconciler.errors import FwdctlError, ServerUnreachable

CA_VARIABLE: Final = "FWDCTL_CA"
"""Names a file with the CA certificates that the server's own is checked against; the system's without it."""
TIMEOUT_S: Final = 60.0
"""Longer than the server takes to plan 100 000 chargers, and than any long poll."""
CHUNK_BYTES: Final = 64 * 1024

Json = dict[str, Any]

_TOKEN: Final = re.compile(r"[ -~]+")


class ApiClient:
    """A connection to one fwdctl server; use it as a context manager.

    Every method returns the answer as the server wrote it. They raise ServerUnreachable where nobody answers at
    `url`, and otherwise the very FwdctlError that the server raised, exit code included.
    """

    def __init__(
        self, url: str = api_contract.DEFAULT_URL, token: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._url = url.rstrip("/")
        token = (token or "").strip()  # files that tokens come from end with a line
        if token and not _TOKEN.fullmatch(token):
            raise FwdctlError(
                "the token has a character that no token has", hint="look for a line break or an umlaut in it"
            )
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._http = ApiConnection(url, headers, timeout_s, _trusted(os.environ.get(CA_VARIABLE)))
        except ValueError as error:
            raise FwdctlError(f"{url!r} is not a URL: {error}", hint="write it as http://HOST:PORT") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def url(self) -> str:
        """The server's URL, without a slash at its end."""
        return self._url

    def version(self) -> Json:
        """Return {version} of the server."""
        return self._get("/v1/version")

    def plan(self, body: Mapping[str, Any]) -> Json:
        """Return the plan that the server makes for `body` (documents, texts, prune, select, target, exclude)."""
        return self._post("/v1/plan", body)

    def known_texts(self, digests: Iterable[str]) -> Json:
        """Return {known}: the digests of texts that say just what is applied."""
        return self._post("/v1/texts", {"digests": list(digests)})

    def start_apply(self, body: Mapping[str, Any]) -> Json:
        """Start an apply of documents or of a plan and return its {id}; it goes on whatever becomes of the client."""
        return self._post("/v1/applies", body)

    def apply_state(self, apply_id: str, wait_s: float = 0, seen: int = 0) -> Json:
        """Return {state, progress, result, exit_code}; waits up to `wait_s` for more than `seen` lines of progress."""
        return self._get(f"/v1/applies/{quote(apply_id, safe='')}", wait_s=wait_s, seen=seen)

    def stop_apply(self, apply_id: str, actor: str) -> Json:
        """Ask an apply to stop after the chargers that are under way."""
        return self._post(f"/v1/applies/{quote(apply_id, safe='')}/stop", {"actor": actor})

    def resume_apply(self, apply_id: str, actor: str) -> Json:
        """Go on with an apply that was stopped and return its {id}."""
        return self._post(f"/v1/applies/{quote(apply_id, safe='')}/resume", {"actor": actor})

    def status(self, address: str | None = None) -> Json:
        """Return live state of all chargers, or of the one at `address`."""
        return self._get("/v1/status", address=address)

    def drift(self) -> Json:
        """Return where live differs from what was last applied with nobody having asked for it."""
        return self._get("/v1/drift")

    def dump(self, *, live: bool = False) -> Json:
        """Return {documents, newcomers}: what is applied, and with `live` the stations that nobody declared."""
        return self._get("/v1/dump", live="true" if live else None)

    def history(
        self,
        charger: str | None = None,
        kind: str | None = None,
        limit: int = 100,
        since: str | None = None,
        revision: int | None = None,
    ) -> Json:
        """Return {events, kept}, newest first; `since` in ISO 8601."""
        return self._get("/v1/history", charger=charger, kind=kind, limit=limit, since=since, revision=revision)

    def show(self, address: str, at: str | None = None, revision: int | None = None) -> Json:
        """Return {address, revision, at, content, changed_by, explanation, flip}: a resource as it was then."""
        return self._get(f"/v1/resources/{quote(address, safe='')}", at=at, revision=revision)

    def plan_back_to(self, body: Mapping[str, Any]) -> Json:
        """Return the plan that goes back to `body`'s revision (prune, select, target, exclude and limits besides)."""
        return self._post("/v1/rollbacks/plan", body)

    def toggle(self, body: Mapping[str, Any]) -> Json:
        """Override who is primary (chargers, primary, for_s, reason, actor) and return what became of each charger."""
        return self._post("/v1/toggles", body)

    def toggles(self) -> Json:
        """Return {overrides}: those in force."""
        return self._get("/v1/toggles")

    def extend_toggle(self, body: Mapping[str, Any]) -> Json:
        """Let overrides last longer (chargers, by_s, reason, actor) and return what became of each charger."""
        return self._post("/v1/toggles/extend", body)

    def end_toggle(self, chargers: Iterable[str], actor: str) -> Json:
        """End the overrides of these chargers and return what became of each."""
        return self._post("/v1/toggles/end", {"chargers": list(chargers), "actor": actor})

    def pause(self, body: Mapping[str, Any]) -> Json:
        """Have the controller leave chargers alone (chargers, reason, for_s, actor) and return {pauses}."""
        return self._post("/v1/pauses", body)

    def resume(self, body: Mapping[str, Any]) -> Json:
        """Have it look after them again (chargers, actor) and return {pauses, results}."""
        return self._post("/v1/pauses/end", body)

    def explain(self, charger: str, at: str | None = None) -> Json:
        """Return {charger, at, decisions, layers, changes_at}: why the charger runs as it does at `at` (ISO 8601)."""
        return self._get(f"/v1/explain/{quote(charger, safe='')}", at=at)

    def outages(self) -> Json:
        """Return {outages}: those that are open or will be."""
        return self._get("/v1/outages")

    def upcoming_outages(self, limit: int = 10) -> Json:
        """Return {occurrences}: what opens next."""
        return self._get("/v1/outages/next", limit=limit)

    def begin_outage(self, body: Mapping[str, Any]) -> Json:
        """Begin an outage now (chargers, primary, for_s, reason, tell, actor) and return {occurrence, results}."""
        return self._post("/v1/outages", body)

    def cancel_outage(self, name: str, body: Mapping[str, Any]) -> Json:
        """End or cancel one opening (opening, reason, actor) and return {occurrence, results}."""
        return self._post(f"/v1/outages/{quote(name, safe='')}/cancel", body)

    def extend_outage(self, name: str, body: Mapping[str, Any]) -> Json:
        """Let one opening last longer (by_s, opening, reason, actor) and return {occurrence, results}."""
        return self._post(f"/v1/outages/{quote(name, safe='')}/extend", body)

    def undelivered_notices(self) -> Json:
        """Return {notices}: those that have not arrived."""
        return self._get("/v1/notices/undelivered")

    def load_policies(self) -> Json:
        """Return {load_policies}: how each stands, charger by charger."""
        return self._get("/v1/load-policies")

    def notification_rules(self) -> Json:
        """Return {notification_rules}: what each sent, and did not send because another is in charge."""
        return self._get("/v1/notification-rules")

    def failovers(self) -> Json:
        """Return {failovers}: those in force."""
        return self._get("/v1/failovers")

    def end_failovers(self, chargers: Iterable[str], actor: str) -> Json:
        """End the failovers on these chargers and return {results}."""
        return self._post("/v1/failovers/end", {"chargers": list(chargers), "actor": actor})

    def offers(self, charger: str) -> Json:
        """Return {charger, connected, version, operations, running}: what can be done there now, and why not."""
        return self._get(f"/v1/chargers/{quote(charger, safe='')}/operations")

    def start_operation(self, body: Mapping[str, Any]) -> Json:
        """Start an operation (charger, operation, parameters, reason, actor) and return its {id}."""
        return self._post("/v1/operations", body)

    def operation(self, operation_id: str, wait_s: float = 0, seen: int = 0) -> Json:
        """Return an operation as it stands; waits up to `wait_s` for more than `seen` lines of progress."""
        return self._get(f"/v1/operations/{quote(operation_id, safe='')}", wait_s=wait_s, seen=seen)

    def operations(self, charger: str | None = None, limit: int = 50) -> Json:
        """Return {operations}, newest first."""
        return self._get("/v1/operations", charger=charger, limit=limit)

    def start_bulk(self, body: Mapping[str, Any]) -> Json:
        """Start an operation on many chargers (chargers, select, operation, parameters, parallelism, max_failures)."""
        return self._post("/v1/bulk-operations", body)

    def bulk(self, run_id: str, wait_s: float = 0, seen: int = 0) -> Json:
        """Return how a bulk operation goes; waits up to `wait_s` for more than `seen` verdicts."""
        return self._get(f"/v1/bulk-operations/{quote(run_id, safe='')}", wait_s=wait_s, seen=seen)

    def firmware(self) -> Json:
        """Return {firmware, served}: the files that stations can be told to fetch, and whether they can reach them."""
        return self._get("/v1/firmware")

    def add_firmware(self, name: str, content: BinaryIO, **signing: str) -> Json:
        """Upload a file (`signing`: signature and certificate) and return what is kept: name, size, sha256."""
        path = f"/v1/firmware/{quote(name, safe='')}"
        return self._ask("PUT", path, signing, content.read(), "application/octet-stream")

    def remove_firmware(self, name: str) -> Json:
        """Take a file away and return what it was."""
        return self._ask("DELETE", f"/v1/firmware/{quote(name, safe='')}", {})

    def uploads(self, charger: str | None = None) -> Json:
        """Return {uploads}: what stations left here, newest first."""
        return self._get("/v1/uploads", charger=charger)

    def download(self, upload_id: str, into: BinaryIO) -> None:
        """Write an upload's bytes to `into`."""
        with self._reaching():
            response = self._http.ask("GET", f"/v1/uploads/{quote(upload_id, safe='')}")
        if response.status != HTTPStatus.OK:
            self._answer(response)
        while chunk := self._chunk(response):
            into.write(chunk)

    def lock(self) -> Json:
        """Return {lock}: who holds the apply lock, or null."""
        return self._get("/v1/lock")

    def break_lock(self) -> Json:
        """Free the apply lock and return {lock}: what was held, or null."""
        return self._post("/v1/lock/break", {})

    def tokens(self) -> Json:
        """Return {tokens}: who may call this API."""
        return self._get("/v1/tokens")

    def create_token(self, body: Mapping[str, Any]) -> Json:
        """Create a token (name, access, valid_for_s, actor) and return it, its text as `token`: this once."""
        return self._post("/v1/tokens", body)

    def revoke_token(self, token_id: str, actor: str) -> Json:
        """Revoke a token and return what is kept of it."""
        return self._post(f"/v1/tokens/{quote(token_id, safe='')}/revoke", {"actor": actor})

    def _get(self, path: str, **params: str | float | None) -> Json:
        given = {name: value for name, value in params.items() if value is not None}
        return self._ask("GET", path, given)

    def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        return self._ask("POST", path, {}, msgspec.json.encode(body), "application/json")

    def _ask(
        self, method: str, path: str, params: Mapping[str, Any], body: bytes | None = None, content_type: str = ""
    ) -> Json:
        with self._reaching():
            response = self._http.ask(method, f"{path}?{urlencode(params)}" if params else path, body, content_type)
        return self._answer(response)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Say in our words what goes wrong on the way to the server and back."""
        try:
            yield
        except TimeoutError as error:
            raise ServerUnreachable(
                f"the fwdctl server at {self._url} did not answer in time",
                hint="see its log; what was asked may still have happened: fwdctl status",
            ) from error
        except (OSError, HTTPException) as error:
            why = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
            raise ServerUnreachable(
                f"no fwdctl server at {self._url}: {why}", hint="start one: fwdctl serve"
            ) from error

    def _chunk(self, response: HTTPResponse) -> bytes:
        """Return the next bytes of an answer, none at its end."""
        with self._reaching():
            chunk = response.read(CHUNK_BYTES)
            if not chunk and response.length:
                raise IncompleteRead(b"", response.length)
        return chunk

    def _answer(self, response: HTTPResponse) -> Json:
        with self._reaching():
            content = response.read()
        try:
            body = msgspec.json.decode(content)
            ours = isinstance(body, dict) and str(body["format_version"]).split(".")[0] == "1"
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
            body, ours = None, False
        if not ours:
            raise ServerUnreachable(
                f"what answers at {self._url} speaks no admin API that this fwdctl knows (HTTP {response.status})",
                hint="check --url, and that client and server are of the same major version: fwdctl version",
            )
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise api_contract.error_from_json(body)
        answer: Json = body
        return answer


def _trusted(ca_file: str | None) -> ssl.SSLContext | None:
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise FwdctlError(f"{CA_VARIABLE}: {ca_file} can't be used: {error.strerror or error}") from error
