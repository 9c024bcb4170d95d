"""A forge for tests: the comments of one pull or merge request, over HTTP, as GitHub and GitLab have them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE_MAX = 100
BOT = {"login": "github-actions[bot]", "id": 41}
ALICE = {"login": "alice", "id": 7}


@dataclass
class Forge:
    """What was commented so far; `token` is the one that may."""

    token: str = "forge-token"
    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)

    def comment(self, body: str, author: dict[str, Any] = ALICE) -> None:
        """Write a comment."""
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": author, "author": author})

    def answer(self, method: str, url: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and JSON of a request."""
        parts = urlsplit(url)
        *_, where, last = parts.path.split("/")
        if (method, last) == ("GET", "user"):
            return 200, BOT
        if last in ("comments", "notes"):
            if method == "POST":
                self.comment(body["body"], BOT)
                return 201, self.comments[-1]
            asked = parse_qs(parts.query)
            size = min(int(asked["per_page"][0]), PAGE_MAX)
            start = (int(asked["page"][0]) - 1) * size
            return 200, self.comments[start : start + size]
        if where in ("comments", "notes") and method in ("PATCH", "PUT"):
            self.comments[int(last) - 1]["body"] = body["body"]
            return 200, self.comments[int(last) - 1]
        return 404, {}


@contextmanager
def forge() -> Iterator[Forge]:
    """Run one for the block."""
    found = Forge()

    class Asked(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
            known = found.token in (
                self.headers["PRIVATE-TOKEN"],
                (self.headers["Authorization"] or "").removeprefix("Bearer "),
            )
            status, answer = found.answer(self.command, self.path, body) if known else (401, {})
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = _take

        def log_message(self, format: str, *args: object) -> None:
            return  # a test's output is its own

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    found.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield found
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
