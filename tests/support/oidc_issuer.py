"""An identity provider on a real socket: discovery, keys that can be rotated, tokens signed with them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec


class Issuer:
    """What it is at `url`; `answers` can be changed to break it, `asked` are the paths that were fetched."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.rotate("first")
        self.answers: dict[str, Any] = {
            "/.well-known/openid-configuration": lambda: {"issuer": url, "jwks_uri": f"{url}/keys"},
            "/keys": lambda: {"keys": [self.public()]},
        }

    def rotate(self, key_id: str) -> None:
        """Sign with a new key, and publish only that."""
        self.key_id = key_id
        self.key = ec.generate_private_key(ec.SECP256R1())

    def public(self) -> dict[str, Any]:
        """Return the key as it is published."""
        published: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return published | {"kid": self.key_id, "use": "sig", "alg": "ES256"}

    def token(self, **claims: Any) -> str:
        """Return a token for ann, an hour long; a claim of None is left out."""
        now = int(time.time())
        whole = {"iss": self.url, "aud": "fwdctl", "sub": "ann", "iat": now, "exp": now + 3600} | claims
        kept = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"kid": self.key_id})


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Run one for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            answer = issuer.answers.get(self.path)
            body = json.dumps(answer()).encode() if answer is not None else b""
            self.send_response(200 if answer is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
