"""Whatever is sent to the admin API, as its OpenAPI says or not at all so: no answer is a failure of the server.

schemathesis makes the requests. A bounded run here; `make fuzz-api` explores for longer.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from reconciler.adapters.admin_api import request_limits
from reconciler.app.allowances import Allowance
from tests.support.depot_specs import two_depots
from tests.support.server import running_server

EXAMPLES = int(os.environ.get("FWDCTL_FUZZ_EXAMPLES", "4"))
"""Of each kind, for each route."""
HEADERS = {"Authorization": "Bearer root"}


def failures(url: str, mode: GenerationMode) -> tuple[int, list[str]]:
    """Ask everything that there is in ways that fit the schema, or don't; return how many asked, and what failed."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", headers=HEADERS)
    asked, failed = 0, []
    for found in schema.get_all_operations():
        operation = found.ok()

        @seed(6)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            try:
                answer = case.call(base_url=url, headers=HEADERS, timeout=20)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                # A head or body past the bounds is refused unread, and hung up on. Whoever comes next is answered.
                answer = requests.get(f"{url}/healthz", timeout=20)
                assert answer.status_code == 200
            if answer.status_code >= 500 and answer.status_code != 503:
                failed.append(f"{answer.status_code} {case.as_curl_command()[:500]}\n{answer.text[:300]}")

        with suppress(Unsatisfiable):  # nothing can be wrong with a route that takes nothing
            ask()
    return asked, failed


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
async def test_nothing_that_is_asked_makes_the_server_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: GenerationMode
) -> None:
    monkeypatch.setattr(request_limits, "CALLS", Allowance(burst=10_000_000, per_s=1.0))
    data, site = tmp_path / "data", tmp_path / "site.yaml"
    data.mkdir()
    (data / "admin-token").touch(0o600)
    (data / "admin-token").write_text("root")
    site.write_text(two_depots())
    async with running_server(data) as server:
        done = await server.fwdctl("apply", "--auto-approve", "-f", site, environ={"FWDCTL_TOKEN": "root"})
        assert done.code == 0, done.err
        asked, failed = await asyncio.to_thread(failures, server.url, mode)
    assert asked > 30
    assert not failed, "\n\n".join(failed)
