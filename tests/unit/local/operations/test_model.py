"""Parameters say what was given and nothing else."""

from reconciler.local.operations.control import UnlockParameters


def test_only_what_was_given_is_shown() -> None:
    assert UnlockParameters().shown() == {}
    assert UnlockParameters(connector=2).shown() == {"connector": 2}
