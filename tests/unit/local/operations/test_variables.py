"""Names of variables, there and back."""

import pytest

from reconciler.local.operations.variables import Variable


@pytest.mark.parametrize(
    ("name", "ocpp"),
    [
        ("A.B", {"component": {"name": "A"}, "variable": {"name": "B"}}),
        (
            "A[x]#2.B[y]",
            {
                "component": {"name": "A", "instance": "x", "evse": {"id": 2}},
                "variable": {"name": "B", "instance": "y"},
            },
        ),
        ("A#2.1.B", {"component": {"name": "A", "evse": {"id": 2, "connectorId": 1}}, "variable": {"name": "B"}}),
    ],
)
def test_a_name_is_read_and_written_back(name: str, ocpp: dict[str, object]) -> None:
    assert Variable.parse(name).to_ocpp() == ocpp
    assert str(Variable.from_ocpp(ocpp)) == name


@pytest.mark.parametrize("name", ["A", "", "A.", ".B", "A.B.C", "A#x.B", "A[].B"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no variable"):
        Variable.parse(name)
