"""What a charger draws, read off meter values of every version."""

from datetime import timedelta
from typing import Any

import pytest

from reconciler.local.load.metering import Meter
from tests.support.clock import EPOCH


def v16(*samples: dict[str, Any], connector: int = 1, at: str = "2026-12-01T02:00:00Z", **more: Any) -> dict[str, Any]:
    return {"connectorId": connector, "meterValue": [{"timestamp": at, "sampledValue": list(samples)}], **more}


def sample(value: object, measurand: str = "Power.Active.Import", **more: Any) -> dict[str, Any]:
    return {"value": str(value), "measurand": measurand, **more}


def watts(*payloads: dict[str, Any], action: str = "MeterValues") -> float | None:
    meter = Meter()
    for payload in payloads:
        meter.take(action, payload, EPOCH, 1000.0)
    reading = meter.reading(1000.0, 180.0)
    return round(reading.watts, 1) if reading is not None else None


@pytest.mark.parametrize(
    ("samples", "drawn"),
    [
        ([sample(7.4, unit="kW")], 7400.0),
        ([sample(7400, unit="W"), sample(9999, phase="L1")], 7400.0),
        ([sample(2300, phase="L1-N"), sample(2300, phase="L2-N"), sample(2200, phase="L3-N")], 6800.0),
        ([sample(16, "Current.Import", phase="L1"), sample(16, "Current.Import", phase="L2")], 7360.0),
        ([sample(16, "Current.Import", phase="L1"), sample(231, "Voltage", phase="L1-N")], 3696.0),
        ([sample(16, "Current.Import"), sample(230, "Voltage")], 11040.0),
        ([sample(100, "Current.Import"), sample(400, "Voltage")], 40000.0),
        ([sample(5000, "Power.Active.Export"), sample(80, "SoC", location="EV")], None),
        ([sample(400, "Voltage", phase="L1-L2"), sample(7000, location="EV"), sample("x", format="SignedData")], None),
        ([sample("nonsense"), sample("nan"), {"measurand": "Power.Active.Import"}, "odd"], None),
    ],
)  # fmt: skip
def test_power_comes_first_then_current_times_voltage(samples: list[Any], drawn: float | None) -> None:
    assert watts(v16(*samples)) == drawn


def test_the_register_tells_what_was_drawn_since_an_earlier_value() -> None:
    meter = Meter()
    for second, register in ((0, 1000), (4, 1001), (60, 1100), (120, 1090)):
        payload = v16({"value": str(register)}, at=f"2026-12-01T02:0{second // 60}:{second % 60:02}Z")
        meter.take("MeterValues", payload, EPOCH + timedelta(seconds=second), 1000.0 + second)
        reading = meter.reading(1000.0 + second, 180.0)
        assert (round(reading.watts) if reading else None) == {0: None, 4: None, 60: 6000, 120: 6000}[second]


def test_2x_says_the_same_with_other_words() -> None:
    power = {"value": 7.4, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 3}}
    event = {
        "eventType": "Updated",
        "transactionInfo": {"transactionId": "t-1"},
        "evse": {"id": 2},
        "meterValue": [{"timestamp": "2026-12-01T02:00:00Z", "sampledValue": [power]}],
    }
    assert watts(event, action="TransactionEvent") == 7400.0
    later = {key: value for key, value in event.items() if key != "evse"}
    assert watts(later, action="TransactionEvent") is None  # nobody said at which EVSE
    assert watts(event, later, action="TransactionEvent") == 7400.0
    assert watts(event, {**later, "eventType": "Ended"}, action="TransactionEvent") is None


def test_connectors_add_up_and_a_main_meter_counts_for_all() -> None:
    both = v16(sample(7000)), v16(sample(3000), connector=2)
    assert watts(*both) == 10000.0
    assert watts(*both, v16(sample(11500), connector=0)) == 11500.0


def test_the_end_of_a_transaction_is_the_end_of_what_it_drew() -> None:
    meter = Meter()
    meter.take("MeterValues", v16(sample(7000), transactionId=9), EPOCH, 0.0)
    meter.take("MeterValues", v16(sample(3000), connector=2), EPOCH, 0.0)
    meter.take("StopTransaction", {"transactionId": 9}, EPOCH, 1.0)
    reading = meter.reading(1.0, 180.0)
    assert reading is not None
    assert reading.watts == 3000.0
    meter.take("StopTransaction", {"transactionId": 7}, EPOCH, 1.0)  # of an unknown one: nothing is certain any more
    assert meter.reading(1.0, 180.0) is None


def test_what_a_station_kept_while_offline_is_old_when_it_comes() -> None:
    meter = Meter()
    meter.take("MeterValues", v16(sample(7000), at="2026-12-01T01:50:00Z"), EPOCH, 1000.0)
    reading = meter.reading(1000.0, 180.0)
    assert reading is not None
    assert reading.at_s == 400.0
    meter.take("MeterValues", v16(sample(1000), at="never"), EPOCH, 1000.0)
    meter.take("MeterValues", v16(sample(9000), at="2026-12-01T01:59:00"), EPOCH, 1000.0)  # older than the newest
    reading = meter.reading(1000.0, 180.0)
    assert reading is not None
    assert (reading.watts, reading.at_s) == (1000.0, 1000.0)


@pytest.mark.parametrize(
    "payload", [{}, {"connectorId": True}, {"connectorId": 1, "meterValue": 7}, {"connectorId": 1, "meterValue": [[]]}]
)
def test_nothing_that_a_station_sends_breaks_it(payload: dict[str, Any]) -> None:
    assert watts(payload) is None
    assert Meter().take("Heartbeat", payload, EPOCH, 0.0) is False
