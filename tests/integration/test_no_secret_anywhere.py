"""Secrets are planted wherever a server may be given one, and looked for in everything that it says and stores.

A canary is looked for as it is, in base64, in hex, and as HTTP Basic credentials would hold it.
"""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.support.server import running_server
from tests.support.server_process import Completed

STATION, OLD_STATION, UPSTREAM, HOOK, SMTP, TOKEN, WRONG, LITERAL, URL = CANARIES = tuple(
    f"canary-{name}-9f3a" for name in ("station", "before", "up", "hook", "smtp", "token", "wrong", "literal", "url")
)
SITE = """
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: field}}
spec:
  profile: 1
  password: {{fromFile: "passwords/{{identity}}"}}
  passwordPrevious: {{fromFile: "before/{{identity}}"}}
---
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: upstream}}
spec: {{profile: 1, password: {{fromEnv: FWDCTL_SECRET_UPSTREAM}}}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec:
  url: "{csms}"
  versions: [ocpp1.6]
  securityProfile: upstream
  contacts: [{{webhook: {{url: "http://127.0.0.1:1/hook", secret: {{fromEnv: FWDCTL_SECRET_HOOK}}}}}}]
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp001, labels: {{site: a}}}}
spec: {{identity: CP-001, versions: [ocpp1.6], securityProfile: field}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: a}}
spec:
  chargers: {{labels: {{site: a}}}}
  backends: [{{backend: partner, role: primary}}, {{backend: local, role: passive}}]
"""
LITERAL_SITE = f"""
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: field}}
spec: {{profile: 1, password: {LITERAL}}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner}}
spec: {{url: "ws://user:{URL}@127.0.0.1:1/x", versions: [ocpp1.6], securityProfile: field}}
"""
MISSING = SITE.replace("FWDCTL_SECRET_UPSTREAM", "FWDCTL_SECRET_NOT_THERE")
ENVIRON = {
    "FWDCTL_SECRET_UPSTREAM": UPSTREAM,
    "FWDCTL_SECRET_HOOK": HOOK,
    "FWDCTL_SMTP_PASSWORD": SMTP,
    "FWDCTL_ADMIN_TOKEN": TOKEN,
}
NOWHERE = dict.fromkeys(("name", "operation_id", "upload_id", "token_id"), "nowhere")
VERBS = (
    ("status",),
    ("status", "charger.cp001", "--json"),
    ("drift", "--json"),
    ("dump",),
    ("dump", "--live", "--json"),
    ("history", "--limit", "1000", "--json"),
    ("history",),
    ("explain", "cp001", "--json"),
    ("show", "security-profile.upstream"),
    ("outage", "list", "--json"),
    ("toggle", "cp001", "--primary", "local", "--reason", "visit", "--json"),
    ("toggle", "cp001", "--end"),
    ("pause", "cp001", "--reason", "works"),
    ("resume", "cp001"),
    ("token", "list", "--json"),
    ("lock", "--json"),
    ("schema", "site"),
    ("status", "charger.nobody"),
)

pytestmark = pytest.mark.slow


def disguises(canary: str) -> Iterator[bytes]:
    """Yield what a canary may look like where it must not be."""
    plain = canary.encode()
    yield plain
    yield plain.hex().encode()
    for before in (b"", b"CP-001:", b"x", b"xy"):  # at every alignment, and as Basic credentials
        yield b64encode(before + plain)[4:-4]


def leaks(places: dict[str, bytes]) -> list[str]:
    """Return which canary is where."""
    return [
        f"{canary} in {place}"
        for place, content in places.items()
        for canary in CANARIES
        if any(disguise in content for disguise in disguises(canary))
    ]


def stored(data: Path) -> dict[str, bytes]:
    """Return all files of the data directory but the secrets that an operator put there, and the server's own key."""
    files = (path for path in data.rglob("*") if path.is_file() and "secrets" not in path.relative_to(data).parts)
    return {str(path.relative_to(data)): path.read_bytes() for path in files}


def said(completed: Completed) -> bytes:
    """Return everything that a command printed."""
    return (completed.out + completed.err).encode()


def test_the_disguises_are_seen_through() -> None:
    shown = b"Basic " + b64encode(f"CP-001:{STATION}".encode())
    assert leaks({"a": shown, "b": HOOK.encode().hex().encode(), "c": b"nothing"}) == [
        f"{STATION} in a",
        f"{HOOK} in b",
    ]


async def test_no_secret_is_in_anything_that_is_said_or_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, secret in ENVIRON.items():
        monkeypatch.setenv(name, secret)
    data = tmp_path / "data"
    for folder, secret in (("passwords", STATION), ("before", OLD_STATION)):
        (data / "secrets" / folder).mkdir(parents=True)
        (data / "secrets" / folder / "CP-001").write_text(secret)
    mail = {"smtp": "smtp://user@127.0.0.1:1", "mail_from": "ops@depot.example"}
    places: dict[str, bytes] = {}
    async with SimulatedCsms("csms") as csms, running_server(data, **mail) as server:
        site, plan = tmp_path / "site.yaml", tmp_path / "plan.json"
        site.write_text(SITE.format(csms=csms.url))
        (tmp_path / "literal.yaml").write_text(LITERAL_SITE)
        (tmp_path / "missing.yaml").write_text(MISSING.format(csms=csms.url))

        async def run(*arguments: str | Path, token: str = TOKEN) -> Completed:
            done = await server.fwdctl(*arguments, environ={**ENVIRON, "FWDCTL_TOKEN": token})
            places["fwdctl " + " ".join(map(str, arguments))] = said(done)
            return done

        for form in ((), ("--json",), ("--markdown",), ("--verbose", "--out", plan)):
            await run("plan", "-f", site, *form)
        applied = await run("apply", "-f", site, "--auto-approve", "--json")
        assert applied.code == 0, applied.err
        async with SimulatedStation("CP-001", server.stations_url, password=STATION.encode()) as station:
            assert (await station.boot())["status"] == "Accepted"
            with pytest.raises(HandshakeRefused):
                await SimulatedStation("CP-001", server.stations_url, password=WRONG.encode()).connect()
            for verb in VERBS:
                await run(*verb)
        for file in ("literal.yaml", "missing.yaml"):
            assert (await run("plan", "-f", tmp_path / file)).code == 1
            await run("validate", "-f", tmp_path / file, "--json")
        assert (await run("status", token=WRONG)).code == 8
        created = await server.fwdctl("token", "create", "ci", "--access", "viewer", environ={"FWDCTL_TOKEN": TOKEN})
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as api:
            described = (await api.get(f"{server.url}/openapi.json")).json()["paths"]
            known = {"run_id": applied.events[0]["id"], "charger": "cp001", "address": "security-profile.upstream"}
            read = [path.format_map({**NOWHERE, **known}) for path, methods in described.items() if "get" in methods]
            for path in (*read, "/openapi.json", "/v1/dump?live=true", "/v1/nowhere"):
                places[path] = (await api.get(server.url + path)).content
            assert f'"plan_id":"{applied.events[0]["plan_id"]}"'.encode() in places[f"/v1/applies/{known['run_id']}"]
            places["malformed"] = (await api.post(f"{server.url}/v1/applies", json={"password": LITERAL})).content
    log = capsys.readouterr().err
    places |= stored(data) | {"plan.json": plan.read_bytes(), "log": log.encode()}
    assert any(name.endswith(".db") for name in places)
    assert "admin API" in log
    assert leaks(places) == []
    assert [place for place, content in places.items() if created.out.strip().encode() in content] == []
