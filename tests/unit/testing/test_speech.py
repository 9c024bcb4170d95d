"""Everything a station says fits the schemas of its version."""

import pytest

from reconciler.testing.dialect import DIALECTS, check
from reconciler.testing.frames import CALL
from reconciler.testing.speech import Speech, Speech2, Speech16
from reconciler.testing.station_memory import StationMemory, Transaction

AT = "2026-01-01T00:00:00.000Z"
SPEECHES = [
    ("ocpp1.6", Speech16()),
    ("ocpp2.0.1", Speech2()),
    ("ocpp2.0.1", Speech2(status_events=True)),
    ("ocpp2.1", Speech2()),
    ("ocpp2.1", Speech2(status_events=True)),
]


@pytest.mark.parametrize(("version", "speech"), SPEECHES)
async def test_everything_said_fits_its_schema(version: str, speech: Speech) -> None:
    transaction = Transaction(1, "T", 5 if version == "ocpp1.6" else "id", 0, 1234, remote_start_id=3)
    said = [
        speech.boot(StationMemory("A", "v", "m", "s", "1", {}, {}), "PowerUp"),
        speech.authorize("T"),
        speech.started(transaction, AT),
        speech.metered(transaction, AT),
        speech.stopped(transaction, AT, "EVDisconnected"),
        speech.meter_values(1, 5, AT, "Sample.Clock"),
        *(speech.status(1, status, AT, "NoError") for status in ("Available", "Preparing", "Charging", "Faulted")),
    ]
    for action, payload in said:
        await check(DIALECTS[version], CALL, action, payload)


def test_1_6_waits_for_a_number_and_2_x_names_its_transactions() -> None:
    assert Speech16().new_transaction_id() == -1
    assert Speech2().new_transaction_id() != Speech2().new_transaction_id()


def test_an_answer_may_say_nothing_of_a_tag() -> None:
    assert Speech16().token_status({}) == Speech2().token_status({}) == ""
