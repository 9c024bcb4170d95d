"""Documents: the place of a field, or of the nearest one around it."""

import pytest

from reconciler.model.diagnostics import Position
from reconciler.model.documents import Document

DOCUMENT = Document({}, "site.yaml", {"": (1, 1), "spec": (4, 1), "spec.backends.0": (6, 7)})


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("", 1, 1),
        ("spec", 4, 1),
        ("spec.backends.0", 6, 7),
        ("spec.backends.0.role", 6, 7),
        ("spec.x.y", 4, 1),
        ("z", 1, 1),
    ],
)
def test_the_nearest_written_field_gives_the_place(path: str, line: int, column: int) -> None:
    assert DOCUMENT.position(path) == Position("site.yaml", line, column)


def test_without_places_it_is_the_beginning() -> None:
    assert Document({}).position("spec.x") == Position("-", 1, 1)
