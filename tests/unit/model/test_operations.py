"""A record is done once it does not run."""

from datetime import UTC, datetime

import pytest

from reconciler.model.operations import OperationRecord, State


@pytest.mark.parametrize("state", State)
def test_only_a_running_operation_is_not_done(state: State) -> None:
    at = datetime(2026, 12, 1, tzinfo=UTC)
    assert OperationRecord("1", "c", "o", "f", {}, "", "", at, state=state).done == (state is not State.RUNNING)
