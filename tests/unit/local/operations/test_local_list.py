"""The local list, in the words of each version."""

import pytest

from reconciler.local.operations.local_list import ListVersionResult
from reconciler.model.operations import State
from tests.support.courses import VERSIONS, Play


@pytest.mark.parametrize("version", VERSIONS)
def test_the_version_is_read(version: str) -> None:
    play = Play(version, "local-list-version")
    play.answer({"listVersion": 4} if version == "ocpp1.6" else {"versionNumber": 4})
    assert play.end.result == ListVersionResult(version=4)
    assert Play(version, "local-list-version").answer({}).end.result == ListVersionResult()


@pytest.mark.parametrize("version", VERSIONS)
def test_tokens_are_put_on_and_taken_off(version: str) -> None:
    play = Play(version, "local-list-send", {"version": 2, "accept": ["A"], "remove": ["B"]})
    on, off = play.last["localAuthorizationList"]
    assert ("idTagInfo" in on or "idTokenInfo" in on, "idTagInfo" in off or "idTokenInfo" in off) == (True, False)
    assert play.answer({"status": "VersionMismatch"}).end.state is State.DECLINED
    full = Play(version, "local-list-send", {"version": 3, "update": "full"})
    assert "localAuthorizationList" not in full.last
    assert full.answer({"status": "Accepted"}).end.state is State.SUCCEEDED
