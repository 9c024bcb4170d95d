"""Diagnostics: counted by severity, told in reading order."""

from reconciler.model.diagnostics import Diagnostic, InvalidValue, Position, Severity, by_position, has_errors

ERROR, WARNING = Diagnostic(Severity.ERROR, "e"), Diagnostic(Severity.WARNING, "w")


def test_only_errors_are_errors() -> None:
    assert has_errors([WARNING, ERROR])
    assert not has_errors([WARNING])
    assert not has_errors([])


def test_findings_come_by_file_line_and_column_and_those_without_place_last() -> None:
    places = [Position("b", 1, 1), Position("a", 10, 1), Position("a", 9, 5), Position("a", 9, 4)]
    findings = [ERROR, *(Diagnostic(Severity.ERROR, "e", None, place) for place in places)]
    assert [finding.position for finding in by_position(findings)] == [*reversed(places), None]


def test_a_position_is_written_as_editors_read_it() -> None:
    assert str(Position("site.yaml", 3, 7)) == "site.yaml:3:7"
    assert Position("site.yaml", 3, 7).in_line == "site.yaml:3"


def test_what_is_no_file_has_no_line() -> None:
    place = Position("revision 17", 0, 0)
    assert (str(place), place.in_line) == ("revision 17", "revision 17")


def test_an_invalid_value_is_a_value_error_with_a_hint() -> None:
    wrong = InvalidValue("no", hint="yes")
    assert isinstance(wrong, ValueError)
    assert (str(wrong), wrong.summary, wrong.hint) == ("no", "no", "yes")
