"""The desk of adapters/job_files is what the operations use case is given."""

from reconciler.adapters.job_files import FileDesk
from reconciler.app.job_files import JobFiles


def test_the_desk_has_all_that_is_asked_for() -> None:
    asked = {name for name in vars(JobFiles) if not name.startswith("_")}
    assert asked - {"shelf", "kept"} <= set(vars(FileDesk))
