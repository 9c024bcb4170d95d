"""Metering: what a charger draws, read off its meter values of every OCPP version.

Of the samples of one meter value the first of these counts:

    Power.Active.Import             the value without a phase, else the sum over phases
    Current.Import x Voltage        phase by phase; 230 V where no voltage is told. A current without a phase counts
                                    for three phases at a phase's voltage (up to 300 V), and once above, as DC has it
    Energy.Active.Import.Register   its rise since an earlier value of the same connector, at least 10 s before

A main meter (connector or EVSE 0) counts for the whole charger while it is fresh, else the sum over connectors.
A value that a station kept while it was offline is as old as its timestamp says.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

NOMINAL_V: Final = 230.0
_PHASE_V_MAX: Final = 300.0
_ENERGY_SPAN_MIN_S: Final = 10.0
_CONNECTORS_MAX: Final = 64
_ENERGY: Final = "Energy.Active.Import.Register"
_POWER: Final = "Power.Active.Import"
_CURRENT: Final = "Current.Import"
_VOLTAGE: Final = "Voltage"
_PHASES: Final = {"L1": "L1", "L2": "L2", "L3": "L3", "L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}
_METERED: Final = frozenset({"MeterValues", "TransactionEvent", "StopTransaction"})

Payload = Mapping[str, Any]
_Samples = Mapping[str, Mapping[str, float]]
"""Measurand -> phase ("" for none) -> value in W, A, V or Wh."""


class Reading(msgspec.Struct, frozen=True):
    """What a charger drew at `at_s` (monotonic seconds)."""

    watts: float
    at_s: float


class Meter:
    """One charger's meter values, newest by connector; bounded."""

    __slots__ = ("_energy", "_readings", "_transactions")

    def __init__(self) -> None:
        self._readings: dict[int, Reading] = {}
        self._energy: dict[int, Reading] = {}
        """The register in Wh, and when."""
        self._transactions: dict[str, int] = {}

    def take(self, action: str, payload: Payload, now: datetime, now_s: float) -> bool:
        """Read a CALL of the station; True where it tells what is drawn. Whatever is wrong in it is passed over."""
        if action not in _METERED:
            return False
        transaction, connector = _transaction_of(payload), _connector_of(payload)
        if transaction and connector is not None:
            self._remember(transaction, connector)
        if connector is None:
            connector = self._transactions.get(transaction)
        ended = action == "StopTransaction" or payload.get("eventType") == "Ended"
        if ended:
            self._forget(transaction, connector)
            return True
        return connector is not None and self._values(connector, payload, now, now_s)

    def reading(self, now_s: float, fresh_s: float) -> Reading | None:
        """Return what the charger draws in all, as old as the oldest part of it; None where nothing is known."""
        main = self._readings.get(0)
        if main is not None and now_s - main.at_s <= fresh_s:
            return main
        parts = [reading for connector, reading in self._readings.items() if connector]
        if not parts:
            return main
        return Reading(sum(part.watts for part in parts), min(part.at_s for part in parts))

    def _remember(self, transaction: str, connector: int) -> None:
        self._transactions.pop(transaction, None)
        self._transactions[transaction] = connector
        if len(self._transactions) > _CONNECTORS_MAX:
            del self._transactions[next(iter(self._transactions))]

    def _forget(self, transaction: str, connector: int | None) -> None:
        """Forget what a connector drew for a transaction that is over; what all drew, where it is not known which."""
        self._transactions.pop(transaction, None)
        gone = [connector, 0] if connector is not None else list(self._readings)
        for name in gone:
            self._readings.pop(name, None)

    def _values(self, connector: int, payload: Payload, now: datetime, now_s: float) -> bool:
        found = False
        values = payload.get("meterValue")
        for value in values if isinstance(values, Sequence) and not isinstance(values, str) else (values,):
            if not isinstance(value, Mapping):
                continue
            at_s = now_s - _age_s(value.get("timestamp"), now)
            watts = self._watts(connector, _samples(value), at_s)
            newest = self._readings.get(connector)
            is_newest = newest is None or at_s >= newest.at_s
            has_room = newest is not None or len(self._readings) < _CONNECTORS_MAX
            if watts is not None and is_newest and has_room:
                self._readings[connector] = Reading(max(0.0, watts), at_s)
                found = True
        return found

    def _watts(self, connector: int, samples: _Samples, at_s: float) -> float | None:
        if _POWER in samples:
            return _total(samples[_POWER])
        if _CURRENT in samples:
            return _from_current(samples[_CURRENT], samples.get(_VOLTAGE, {}))
        if _ENERGY not in samples:
            return None
        register_wh, before = _total(samples[_ENERGY]), self._energy.get(connector)
        if before is not None and 0 <= at_s - before.at_s < _ENERGY_SPAN_MIN_S:
            return None
        if before is not None or len(self._energy) < _CONNECTORS_MAX:
            self._energy[connector] = Reading(register_wh, at_s)
        if before is None or at_s <= before.at_s or register_wh < before.watts:
            return None
        return (register_wh - before.watts) * 3600 / (at_s - before.at_s)


def _total(phases: Mapping[str, float]) -> float:
    return phases[""] if "" in phases else sum(phases.values())


def _from_current(currents: Mapping[str, float], volts: Mapping[str, float]) -> float:
    common_v = volts.get("") or (sum(volts.values()) / len(volts) if volts else NOMINAL_V)
    if "" in currents:
        return currents[""] * common_v * (3 if common_v <= _PHASE_V_MAX else 1)
    return sum(amperes * volts.get(phase, common_v) for phase, amperes in currents.items())


def _samples(value: Payload) -> _Samples:
    found: dict[str, dict[str, float]] = {}
    for measurand, phase, number in _sampled(value.get("sampledValue")):
        found.setdefault(measurand, {})[phase] = number
    return found


def _sampled(samples: Any) -> Iterator[tuple[str, str, float]]:
    """Yield (measurand, phase, value in W, A, V or Wh) of the samples taken where the car is fed."""
    for sample in samples if isinstance(samples, list) else (samples,):
        if not isinstance(sample, Mapping) or sample.get("location", "Outlet") not in ("Outlet", "Inlet"):
            continue
        if sample.get("format", "Raw") != "Raw":
            continue
        phase = sample.get("phase")
        if phase is not None and phase not in _PHASES:
            continue  # a voltage between phases, or the neutral conductor
        number = _number(sample)
        if number is not None:
            yield str(sample.get("measurand", _ENERGY)), _PHASES[phase] if phase else "", number


def _number(sample: Payload) -> float | None:
    try:
        number = float(sample.get("value", ""))
    except (TypeError, ValueError):
        return None
    unit, multiplier = sample.get("unit", ""), 0
    measure = sample.get("unitOfMeasure")
    if isinstance(measure, Mapping):
        unit, multiplier = measure.get("unit", ""), measure.get("multiplier", 0)
    if not isinstance(multiplier, int) or abs(multiplier) > 12 or not abs(number) < 1e12:
        return None
    scale = 1000.0 if isinstance(unit, str) and unit.startswith("k") else 1.0
    return number * scale * 10.0**multiplier


def _connector_of(payload: Payload) -> int | None:
    evse = payload.get("evse")
    found = payload.get("connectorId", payload.get("evseId", evse.get("id") if isinstance(evse, Mapping) else None))
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _transaction_of(payload: Payload) -> str:
    info = payload.get("transactionInfo")
    found = info.get("transactionId") if isinstance(info, Mapping) else payload.get("transactionId")
    return str(found) if isinstance(found, int | str) else ""


def _age_s(timestamp: Any, now: datetime) -> float:
    """Return how old a value is, 0 where its time can't be read or is to come."""
    try:
        taken = datetime.fromisoformat(timestamp)
    except (TypeError, ValueError):
        return 0.0
    if taken.tzinfo is None:
        taken = taken.replace(tzinfo=UTC)
    return max(0.0, (now - taken).total_seconds())
