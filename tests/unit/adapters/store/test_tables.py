"""How values are written so that both engines give back the same."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.adapters.store.tables import Instant, PlainText

DIALECTS = pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
AFTERNOON_IN_ROME = datetime(2026, 7, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))


@DIALECTS
def test_an_instant_comes_back_aware_and_in_utc(dialect: Dialect) -> None:
    written = Instant().process_bind_param(AFTERNOON_IN_ROME, dialect)
    read = Instant().process_result_value(written, dialect)
    assert read == AFTERNOON_IN_ROME
    assert read is not None
    assert read.tzinfo is UTC


@DIALECTS
def test_a_naive_time_is_refused(dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Instant().process_bind_param(datetime(2026, 7, 1), dialect)  # noqa: DTZ001


@DIALECTS
def test_no_time_stays_none(dialect: Dialect) -> None:
    assert Instant().process_bind_param(None, dialect) is None
    assert Instant().process_result_value(None, dialect) is None


@DIALECTS
@pytest.mark.parametrize(
    ("text", "written"),
    [("plain", "plain"), ("caffè 🔌", "caffè 🔌"), ("a\0b", "a\ufffdb"), ("a\ud800b", "a?b"), ("", "")],
)
def test_text_that_a_database_refuses_is_made_storable(text: str, written: str, dialect: Dialect) -> None:
    assert PlainText().process_bind_param(text, dialect) == written
